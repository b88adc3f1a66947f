import { addressText, givenAddresses } from "./addresses.ts";
import type {
  ConnectFailure,
  GrpcAddress,
  GrpcCall,
  GrpcCallSink,
  GrpcChannel,
  GrpcChannelOptions,
  GrpcChannelState,
  ReplyHeader,
} from "./channel.ts";
import type { Connection } from "./connection.ts";
import { Endpoint, type EndpointOwner } from "./endpoint.ts";
import { NameWatch, type NameWatchOwner } from "./name-watch.ts";
import { GRPC_STATUS, type GrpcFailure, NO_CONNECTION } from "./status.ts";
import { type CallHost, UnaryCall } from "./unary-call.ts";

const NOT_CONNECTED: GrpcFailure = { code: GRPC_STATUS.UNAVAILABLE, details: NO_CONNECTION };
const SHUT_DOWN: GrpcFailure = { code: GRPC_STATUS.UNAVAILABLE, details: "Channel has been shut down" };

/** Connects on the first call, or on `connect`. */
export function createGrpcChannel(options: GrpcChannelOptions): GrpcChannel {
  return new RoundRobinChannel(options);
}

class RoundRobinChannel implements GrpcChannel, CallHost, EndpointOwner, NameWatchOwner {
  readonly authority: string;
  readonly scheme: string;
  readonly maxRecvBytes: number;
  readonly replyHeader: ReplyHeader | null;
  readonly #options: GrpcChannelOptions;
  /** Null when the addresses are given. */
  readonly #names: NameWatch | null;
  /** By the text of their address. */
  #pools: ReadonlyMap<string, readonly Endpoint[]> = new Map();
  /** All of them. */
  #endpoints: readonly Endpoint[] = [];
  /** The connections of `#endpoints` that stand. */
  #standing: readonly Connection[] = [];
  #turn = 0;
  /** In order of arrival, until a connection stands or every endpoint has failed. */
  readonly #waiting = new Set<UnaryCall>();
  #phase: "idle" | "started" | "nameless" | "closed" = "idle";
  #hasConnected = false;
  #lastFailure: ConnectFailure | null = null;

  constructor(options: GrpcChannelOptions) {
    const { target, secure, maxRecvBytes } = options;
    this.#options = options;
    this.authority = target.authority;
    this.scheme = secure === null ? "http" : "https";
    this.maxRecvBytes = maxRecvBytes;
    this.replyHeader = options.replyHeader;
    this.#names = this.#watchName();
  }

  call(
    method: string,
    frame: Uint8Array,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    sink: GrpcCallSink,
  ): GrpcCall {
    const call = new UnaryCall(this, method, frame, headers, timeoutMs, sink);
    this.place(call);
    return call;
  }

  place(call: UnaryCall): void {
    for (let left = this.#standing.length; left > 0; left -= 1) {
      const connection = this.#next();
      if (connection !== null && call.start(connection)) return;
    }
    const state = this.state();
    if (state === "closed") queueMicrotask(() => call.fail(SHUT_DOWN));
    else if (state === "failing") queueMicrotask(() => call.fail(NOT_CONNECTED));
    else {
      this.#waiting.add(call);
      this.connect();
    }
  }

  leave(call: UnaryCall): void {
    this.#waiting.delete(call);
  }

  connect(): void {
    if (this.#phase !== "idle") return;
    this.#phase = "started";
    const given = givenAddresses(this.#options.target.source);
    if (given !== null) this.found(given);
    else this.#names?.refresh();
  }

  retryNow(): void {
    this.#names?.retryNow();
    for (const endpoint of this.#endpoints) endpoint.retryNow();
  }

  state(): GrpcChannelState {
    if (this.#standing.length > 0) return "ready";
    switch (this.#phase) {
      case "idle":
      case "closed":
        return this.#phase;
      case "nameless":
        return "failing";
      default:
        return this.#endpoints.length > 0 && this.#endpoints.every(({ failing }) => failing)
          ? "failing"
          : "connecting";
    }
  }

  hasConnected(): boolean {
    return this.#hasConnected;
  }

  connections(): number {
    return this.#standing.length;
  }

  lastFailure(): ConnectFailure | null {
    return this.#lastFailure;
  }

  close(): void {
    this.#phase = "closed";
    this.#names?.close();
    for (const endpoint of this.#endpoints) endpoint.close();
    this.#pools = new Map();
    this.#endpoints = [];
    this.#standing = [];
    for (const call of this.#takeWaiting()) call.fail(SHUT_DOWN);
  }

  found(addresses: readonly GrpcAddress[]): void {
    this.#phase = "started";
    const had = this.#pools;
    const have = new Map<string, readonly Endpoint[]>();
    for (const address of addresses) {
      const key = addressText(address);
      have.set(key, had.get(key) ?? this.#pool(address));
    }
    this.#pools = have;
    this.#endpoints = [...have.values()].flat();
    for (const [key, pool] of had) if (!have.has(key)) for (const endpoint of pool) endpoint.close();
    for (const endpoint of this.#endpoints) endpoint.connect();
    this.#look();
  }

  notFound(reason: string): void {
    this.#phase = "nameless";
    this.#lastFailure = { address: this.authority, reason };
    this.#look();
  }

  moved(): void {
    this.#look();
    // Whoever went away may have moved.
    if (this.#standing.length < this.#endpoints.length) this.#names?.refresh();
  }

  failed(failure: ConnectFailure): void {
    this.#lastFailure = failure;
  }

  pingsRarer(keepaliveTimeMs: number): void {
    const text = `the RPC backend wants fewer keepalive pings; from now on there is one every ${keepaliveTimeMs / 1000} s`;
    this.#options.onNotice(text);
  }

  #watchName(): NameWatch | null {
    const { target, lookUpIntervalMs: intervalMs, minReconnectMs, maxReconnectMs } = this.#options;
    const { source } = target;
    if (source.kind === "addresses" || givenAddresses(source) !== null) return null;
    return new NameWatch(
      { source, intervalMs, minRetryMs: minReconnectMs, maxRetryMs: maxReconnectMs },
      this,
    );
  }

  #pool(address: GrpcAddress): readonly Endpoint[] {
    const { target, connectionsPerAddress: length } = this.#options;
    const own = "host" in address ? address.host : "localhost";
    const options = { ...this.#options, serverName: target.serverName ?? own };
    return Array.from({ length }, () => new Endpoint(address, options, this));
  }

  #next(): Connection | null {
    this.#turn = (this.#turn + 1) % this.#standing.length;
    return this.#standing[this.#turn] ?? null;
  }

  /** Looks at what stands, and lets the calls know that wait for it. */
  #look(): void {
    const standing: Connection[] = [];
    for (const { connection } of this.#endpoints) if (connection !== null) standing.push(connection);
    this.#standing = standing;
    this.#hasConnected ||= standing.length > 0;
    if (this.#waiting.size === 0) return;
    const state = this.state();
    if (state === "ready") for (const call of this.#takeWaiting()) this.place(call);
    else if (state === "failing") for (const call of this.#takeWaiting()) call.fail(NOT_CONNECTED);
  }

  #takeWaiting(): UnaryCall[] {
    const calls = [...this.#waiting];
    this.#waiting.clear();
    return calls;
  }
}
