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
import { FRAME_HEADER_BYTES } from "@hawser/proto/framing";
import type { GrpcChannel } from "../../drivers/grpc/channel.ts";
import { BackendCall, type CallContext, type CallKind } from "./backend-call.ts";
import { CallSlots } from "./call-slots.ts";
import { ConnectionState } from "./connection-state.ts";
import {
  decodeCommand,
  decodeConnect,
  decodeDisconnect,
  encodeCommand,
  encodeConnect,
  encodeDisconnect,
  IDENTITY_HEADER,
} from "./messages.ts";
import { type GrpcBackendTarget, openChannel } from "./open-channel.ts";
import type { RpcMeter } from "./rpc-meter.ts";
import { FINGERPRINT_HEADER, type SecretCheck } from "./secret-check.ts";

export interface GrpcBackendOptions extends GrpcBackendTarget {
  /** Calls at a time; 28 when not positive. */
  readonly concurrency: number;
  /** For a call with its wait for a slot and its retries; 0 for no limit. */
  readonly commandTimeoutMs: number;
  /** For one attempt; 0 leaves it to `commandTimeoutMs`. */
  readonly requestTimeoutMs: number;
  /** Largest request; 0 for no limit. */
  readonly maxSendBytes: number;
  /** Both for the line at start alone. */
  readonly proxyHeaders: readonly string[];
  readonly proxyCookies: readonly string[];
  /** Carries `context=rpc`. */
  readonly log: Log;
  readonly clock: Clock;
  readonly meter: RpcMeter;
  /** Compares the application's secret with the server's; null for neither. */
  readonly secrets: SecretCheck | null;
}

export interface GrpcBackend extends Backend {
  readonly kind: "grpc";
  /** Begins to connect, and goes on until the service is reached once. */
  start(): void;
  /** True once the service answered a call, or spoke HTTP/2 at all. */
  hasAnswered(): boolean;
  /** HTTP/2 connections that stand; for `grpc_active_conn_num`. */
  activeConnections(): number;
  /** Waits for calls under way up to `timeoutMs`, gives up the rest, and closes the connections. */
  close(timeoutMs: number): Promise<void>;
}

/** Slightly less than the concurrency that the Ruby server has by default (anycable rpc/config.go@1.6.16). */
const DEFAULT_CONCURRENCY = 28;
const PROTO_VERSIONS = "v1";

const CONNECT: CallKind<ConnectReply> = {
  name: "Connect",
  path: "/anycable.RPC/Connect",
  countedAtEnd: false,
  errorCounts: false,
  decode: decodeConnect,
};
const COMMAND: CallKind<CommandReply> = {
  name: "Command",
  path: "/anycable.RPC/Command",
  countedAtEnd: true,
  errorCounts: false,
  decode: decodeCommand,
};
const DISCONNECT: CallKind<DisconnectReply> = {
  name: "Disconnect",
  path: "/anycable.RPC/Disconnect",
  countedAtEnd: false,
  errorCounts: true,
  decode: decodeDisconnect,
};

/**
 * The application behind a gRPC service (anycable rpc/rpc.go@1.6.16).
 *
 * Throws `CableError` `config_invalid` when the host or the TLS options cannot be used. Nothing is sent before `start`
 * or the first call. Once closed, every call fails as `backend_unreachable`.
 */
export function createGrpcBackend(options: GrpcBackendOptions): GrpcBackend {
  return new GrpcCalls(options);
}

class GrpcCalls implements GrpcBackend {
  readonly kind = "grpc";
  readonly #options: GrpcBackendOptions;
  readonly #concurrency: number;
  readonly #channel: GrpcChannel;
  readonly #context: CallContext;
  #replied = false;
  #whenIdle: (() => void) | null = null;

  constructor(options: GrpcBackendOptions) {
    const { clock, log, meter, commandTimeoutMs, requestTimeoutMs } = options;
    if (options.concurrency <= 0) {
      log.warn("RPC concurrency must be positive, reverted to the default value");
    }
    this.#options = options;
    this.#concurrency = options.concurrency > 0 ? options.concurrency : DEFAULT_CONCURRENCY;
    const { secrets } = options;
    this.#channel = openChannel(options, {
      onNotice: (line) => log.warn(line, { impl: "grpc" }),
      replyHeader:
        secrets === null ? null : { name: FINGERPRINT_HEADER, heard: (value) => secrets.heard(value) },
    });
    this.#context = {
      channel: this.#channel,
      host: options.host,
      connection: new ConnectionState(this.#channel, log),
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
    return this.#call(CONNECT, request, encodeConnect(request), scope);
  }

  command(request: CommandRequest, scope: CallScope): Promise<CommandReply> {
    return this.#call(COMMAND, request, encodeCommand(request), scope);
  }

  disconnect(request: DisconnectRequest, scope: CallScope): Promise<DisconnectReply> {
    return this.#call(DISCONNECT, request, encodeDisconnect(request), scope);
  }

  start(): void {
    this.#options.log.info(startLine(this.#options, this.#concurrency));
    this.#channel.connect();
  }

  hasAnswered(): boolean {
    return this.#replied || this.#channel.hasConnected();
  }

  activeConnections(): number {
    return this.#channel.connections();
  }

  async close(timeoutMs: number): Promise<void> {
    const { unfinished } = this.#context;
    if (unfinished.size > 0) await this.#finishCalls(timeoutMs);
    for (const call of [...unfinished]) call.abandon();
    this.#channel.close();
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
    kind: CallKind<T>,
    request: ConnectRequest,
    frame: Uint8Array,
    scope: CallScope,
  ): Promise<T> {
    const { maxSendBytes } = this.#options;
    const size = frame.length - FRAME_HEADER_BYTES;
    if (maxSendBytes > 0 && size > maxSendBytes) {
      // The reference tries this again until the time is up; it cannot succeed.
      return Promise.reject(requestTooLarge(kind.name, size, maxSendBytes));
    }
    const headers: Record<string, string> = { sid: request.sid, protov: PROTO_VERSIONS };
    if (request.jwtIdentity !== null) headers[IDENTITY_HEADER] = request.jwtIdentity;
    const fingerprints = this.#options.secrets?.header ?? "";
    if (fingerprints !== "") headers[FINGERPRINT_HEADER] = fingerprints;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const call = new BackendCall<T>(
      this.#context,
      kind,
      { sid: request.sid, frame, headers },
      { resolve, reject },
    );
    call.start(scope);
    return promise;
  }
}

function requestTooLarge(method: string, size: number, limit: number): CableError {
  const what = `the ${method} request of ${size} bytes is over rpc_max_call_send_size (${limit})`;
  return new CableError("backend_failed", `${what}; raise it, or make the connection's state smaller`);
}

/** anycable rpc/rpc.go@1.6.16. */
function startLine(options: GrpcBackendOptions, concurrency: number): string {
  const tls = options.enableTls || (options.tlsRootCa ?? "") !== "";
  const facts = [
    `concurrency: ${concurrency}`,
    "impl: grpc",
    `enable_tls: ${tls}`,
    `proto_versions: ${PROTO_VERSIONS}`,
    `proxy_headers: ${options.proxyHeaders.join(",") || "<none>"}`,
    `proxy_cookies: ${options.proxyCookies.join(",") || "<all>"}`,
  ];
  return `RPC controller initialized: ${options.host} (${facts.join(", ")})`;
}
