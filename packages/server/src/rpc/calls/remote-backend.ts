import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type {
  Backend,
  CallScope,
  CommandReply,
  CommandRequest,
  ConnectReply,
  ConnectRequest,
  DisconnectReply,
  DisconnectRequest,
  ReplyStatus,
} from "@hawser/core/rpc/backend";
import { BackendCall, type CallContext, type CallKind } from "./backend-call.ts";
import type { CallLine } from "./call-line.ts";
import { CallSlots } from "./call-slots.ts";
import { IDENTITY_HEADER } from "./identity-header.ts";
import type { RpcMeter } from "./rpc-meter.ts";
import { FINGERPRINT_HEADER, type SecretCheck } from "./secret-check.ts";

/** What is the same for calls over gRPC and over HTTP. */
export interface RemoteBackendOptions {
  /** `--rpc_host`. */
  readonly host: string;
  /** Calls at a time; 28 when not positive. */
  readonly concurrency: number;
  /** For a call with its wait for a slot and its retries; 0 for no limit. */
  readonly commandTimeoutMs: number;
  /** For one attempt; 0 leaves it to `commandTimeoutMs`. */
  readonly requestTimeoutMs: number;
  /** Largest request; 0 for no limit. */
  readonly maxSendBytes: number;
  /** These three for the line at start alone. */
  readonly secure: boolean;
  readonly proxyHeaders: readonly string[];
  readonly proxyCookies: readonly string[];
  /** Carries `context=rpc`. */
  readonly log: Log;
  readonly clock: Clock;
  readonly meter: RpcMeter;
  /** Compares the application's secret with the server's; null for neither. */
  readonly secrets: SecretCheck | null;
}

/** How requests become frames, and answers replies. Decoding throws for what is no reply. */
export interface RpcCodec<Frame, Message> {
  encodeConnect(request: ConnectRequest): Frame;
  encodeCommand(request: CommandRequest): Frame;
  encodeDisconnect(request: DisconnectRequest): Frame;
  decodeConnect(message: Message): ConnectReply;
  decodeCommand(message: Message): CommandReply;
  decodeDisconnect(message: Message): DisconnectReply;
  /** Bytes of the message in a frame. */
  sizeOf(frame: Frame): number;
}

/** An application in another process. */
export interface RemoteBackend extends Backend {
  readonly kind: "grpc" | "http";
  /** Begins to connect, and goes on until the application is reached once. */
  start(): void;
  /** True once the application answered a call, or anything at all. */
  hasAnswered(): boolean;
  /** HTTP/2 connections that stand; for `grpc_active_conn_num`. */
  activeConnections(): number;
  /** Waits for calls under way up to `timeoutMs`, gives up the rest, and closes the connections. */
  close(timeoutMs: number): Promise<void>;
}

/** Slightly less than the concurrency that the Ruby server has by default (anycable rpc/config.go@1.6.16). */
const DEFAULT_CONCURRENCY = 28;
const PROTO_VERSIONS = "v1";

/** The application behind `line` (anycable rpc/rpc.go@1.6.16). Once closed, every call fails as `backend_unreachable`. */
export class RemoteCalls<Frame, Message> implements RemoteBackend {
  readonly kind: "grpc" | "http";
  readonly #options: RemoteBackendOptions;
  readonly #codec: RpcCodec<Frame, Message>;
  readonly #concurrency: number;
  readonly #context: CallContext<Frame, Message>;
  readonly #connect: CallKind<Message, ConnectReply>;
  readonly #command: CallKind<Message, CommandReply>;
  readonly #disconnect: CallKind<Message, DisconnectReply>;
  #replied = false;
  #whenIdle: (() => void) | null = null;

  constructor(
    kind: "grpc" | "http",
    options: RemoteBackendOptions,
    line: CallLine<Frame, Message>,
    codec: RpcCodec<Frame, Message>,
  ) {
    const { clock, log, meter, commandTimeoutMs, requestTimeoutMs } = options;
    if (options.concurrency <= 0) {
      log.warn("RPC concurrency must be positive, reverted to the default value");
    }
    this.kind = kind;
    this.#options = options;
    this.#codec = codec;
    this.#concurrency = options.concurrency > 0 ? options.concurrency : DEFAULT_CONCURRENCY;
    const usual = { countedAtEnd: false, errorCounts: false };
    this.#connect = { ...usual, name: "Connect", decode: codec.decodeConnect };
    this.#command = { ...usual, name: "Command", countedAtEnd: true, decode: codec.decodeCommand };
    this.#disconnect = { ...usual, name: "Disconnect", errorCounts: true, decode: codec.decodeDisconnect };
    this.#context = {
      line,
      slots: new CallSlots(this.#concurrency),
      meter,
      clock,
      log,
      commandTimeoutMs,
      requestTimeoutMs,
      unfinished: new Set(),
      onReply: () => {
        this.#replied = true;
      },
      onIdle: () => this.#whenIdle?.(),
    };
  }

  connect(request: ConnectRequest, scope: CallScope): Promise<ConnectReply> {
    return this.#call(this.#connect, request, this.#codec.encodeConnect(request), scope);
  }

  command(request: CommandRequest, scope: CallScope): Promise<CommandReply> {
    return this.#call(this.#command, request, this.#codec.encodeCommand(request), scope);
  }

  disconnect(request: DisconnectRequest, scope: CallScope): Promise<DisconnectReply> {
    return this.#call(this.#disconnect, request, this.#codec.encodeDisconnect(request), scope);
  }

  start(): void {
    this.#options.log.info(this.#startLine());
    this.#context.line.connect();
  }

  hasAnswered(): boolean {
    return this.#replied || this.#context.line.hasConnected();
  }

  activeConnections(): number {
    return this.#context.line.connections();
  }

  async close(timeoutMs: number): Promise<void> {
    const { line, unfinished } = this.#context;
    if (unfinished.size > 0) await this.#finishCalls(timeoutMs);
    for (const call of [...unfinished]) call.abandon();
    line.close();
  }

  #finishCalls(timeoutMs: number): Promise<void> {
    const { clock, log } = this.#options;
    const { unfinished } = this.#context;
    log.info("waiting for active RPC calls to finish", { num: unfinished.size });
    return new Promise((resolve) => {
      const stop = clock.after(timeoutMs, () => {
        log.warn("terminated while completing active RPC calls", { num: unfinished.size });
        resolve();
      });
      this.#whenIdle = () => {
        stop();
        log.info("all active RPC calls finished");
        resolve();
      };
    });
  }

  #call<T extends { readonly status: ReplyStatus }>(
    kind: CallKind<Message, T>,
    request: ConnectRequest,
    frame: Frame,
    scope: CallScope,
  ): Promise<T> {
    const { maxSendBytes } = this.#options;
    const size = maxSendBytes > 0 ? this.#codec.sizeOf(frame) : 0;
    if (size > maxSendBytes) {
      // The reference tries this again until the time is up; it cannot succeed.
      return Promise.reject(requestTooLarge(kind.name, size, maxSendBytes));
    }
    const headers: Record<string, string> = { sid: request.sid, protov: PROTO_VERSIONS };
    if (request.jwtIdentity !== null) headers[IDENTITY_HEADER] = request.jwtIdentity;
    const fingerprints = this.#options.secrets?.header ?? "";
    if (fingerprints !== "") headers[FINGERPRINT_HEADER] = fingerprints;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const call = new BackendCall<Frame, Message, T>(
      this.#context,
      kind,
      { sid: request.sid, frame, headers },
      { resolve, reject },
    );
    call.start(scope);
    return promise;
  }

  /** anycable rpc/rpc.go@1.6.16. */
  #startLine(): string {
    const { host, secure, proxyHeaders, proxyCookies } = this.#options;
    const facts = [
      `concurrency: ${this.#concurrency}`,
      `impl: ${this.kind}`,
      `enable_tls: ${secure}`,
      `proto_versions: ${PROTO_VERSIONS}`,
      `proxy_headers: ${proxyHeaders.join(",") || "<none>"}`,
      `proxy_cookies: ${proxyCookies.join(",") || "<all>"}`,
    ];
    return `RPC controller initialized: ${host} (${facts.join(", ")})`;
  }
}

function requestTooLarge(method: string, size: number, limit: number): CableError {
  const what = `the ${method} request of ${size} bytes is over rpc_max_call_send_size (${limit})`;
  return new CableError("backend_failed", `${what}; raise it, or make the connection's state smaller`);
}
