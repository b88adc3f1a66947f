import type { Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
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
import { fileExists, readTextFile } from "../../drivers/files.ts";
import type { GrpcChannel, SecureConnect } from "../../drivers/grpc/channel.ts";
import { createGrpcChannel } from "../../drivers/grpc/round-robin-channel.ts";
import { grpcTls } from "../../drivers/grpc/tls.ts";
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
import type { RpcMeter } from "./rpc-meter.ts";
import { parseGrpcTarget } from "./target.ts";

export interface GrpcBackendOptions {
  /** `--rpc_host`: see `parseGrpcTarget`. */
  readonly host: string;
  /** Calls at a time; 28 when not positive. */
  readonly concurrency: number;
  /** For a call with its wait for a slot and its retries; 0 for no limit. */
  readonly commandTimeoutMs: number;
  /** For one attempt; 0 leaves it to `commandTimeoutMs`. */
  readonly requestTimeoutMs: number;
  /** Largest reply; 0 for gRPC's own limit, 4 MiB. */
  readonly maxRecvBytes: number;
  /** Largest request; 0 for no limit. */
  readonly maxSendBytes: number;
  /** A root CA turns TLS on by itself. */
  readonly enableTls: boolean;
  readonly tlsVerify: boolean;
  /** A path, or PEM text; null or empty for the system's roots. */
  readonly tlsRootCa: string | null;
  /** Both for the line at start alone. */
  readonly proxyHeaders: readonly string[];
  readonly proxyCookies: readonly string[];
  /** Carries `context=rpc`. */
  readonly log: Log;
  readonly clock: Clock;
  readonly meter: RpcMeter;
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
const DEFAULT_MAX_RECV_BYTES = 4 * 1024 * 1024;
/** anycable rpc/rpc.go@1.6.16, and grpc-go for the time-out and for how long a connection may take. */
const KEEPALIVE = { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 20_000, silentPeerMs: 20_000 } as const;
/** The reference starts at 1 s and goes up to 120: a backend that restarted would be found late. */
const RECONNECT = { minReconnectMs: 100, maxReconnectMs: 1_000 } as const;
/** A backend that moved to another address is found again within this. */
const LOOK_UP_INTERVAL_MS = 5_000;
const MAX_CALLS_PER_CONNECTION = 1_000_000_000;
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
    this.#channel = openChannel(options);
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

function openChannel(options: GrpcBackendOptions): GrpcChannel {
  const { host, log, maxRecvBytes } = options;
  const target = parseGrpcTarget(host);
  return createGrpcChannel({
    target,
    secure: openTls(options),
    maxRecvBytes: maxRecvBytes > 0 ? maxRecvBytes : DEFAULT_MAX_RECV_BYTES,
    onNotice: (line) => log.warn(line, { impl: "grpc" }),
    lookUpIntervalMs: LOOK_UP_INTERVAL_MS,
    maxCallsPerConnection: MAX_CALLS_PER_CONNECTION,
    ...KEEPALIVE,
    ...RECONNECT,
  });
}

function openTls({ enableTls, tlsRootCa, tlsVerify }: GrpcBackendOptions): SecureConnect | null {
  const rootCa = tlsRootCa === "" ? null : tlsRootCa;
  if (!enableTls && rootCa === null) return null;
  try {
    return grpcTls({ rootCa: rootCa === null ? null : pemText(rootCa), verify: tlsVerify });
  } catch (thrown) {
    const text = `cannot use rpc_tls_root_ca: ${messageOf(thrown)}; give a PEM file, or the PEM text itself`;
    throw new CableError("config_invalid", text, { cause: thrown });
  }
}

function pemText(fileOrText: string): string {
  if (fileOrText.includes("-----BEGIN ")) return fileOrText;
  if (!fileExists(fileOrText)) throw new Error(`there is no file "${fileOrText}"`);
  return readTextFile(fileOrText);
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
