import type { OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import {
  CallCredentials,
  Channel,
  ChannelCredentials,
  type ChannelOptions,
  connectivityState,
  experimental,
  type InterceptingListener,
  Metadata,
  type StatusObject,
  setLogger,
  status,
} from "@grpc/grpc-js";
import {
  type ConnectFailure,
  GRPC_LIST_SCHEME,
  type GrpcCall,
  type GrpcCallSink,
  type GrpcChannel,
  type GrpcChannelOptions,
  type GrpcChannelState,
  type SecureConnect,
} from "./grpc-channel.ts";

export { status as GRPC_STATUS } from "@grpc/grpc-js";

const FRAME_HEADER_BYTES = 5;
/** RFC 9113 7: the server has not touched the request, so that sending it again is safe. */
const REFUSED_STREAM = 7;
/** PROTOCOL-HTTP2: a timeout has at most eight digits. */
const MAX_TIMEOUT_MS = 99_999_999;
/** The library closes connections after 30 minutes without calls, and does not see the calls that go past it. */
const NEVER_IDLE_MS = 2_147_483_647;
/** A backend that moved to another address is found again within this; the library's 30 s are long for that. */
const DNS_INTERVAL_MS = 5_000;

const BALANCER = "hawser_round_robin";
/** Channel options of ours. The first must not reach the connections, which are told apart by their options. */
const WATCH_OPTION = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.hawser_watch`;
const SERVER_NAME_OPTION = "hawser.server_name";

type Subchannel = ReturnType<experimental.SubchannelInterface["getRealSubchannel"]>;

/** Connects on the first call, or on `connect`. Throws the library's error for a target that it cannot parse. */
export function createGrpcChannel(options: GrpcChannelOptions): GrpcChannel {
  // The library's logger is one a process; a process has one backend.
  setLogger({ error: (line: string) => options.onNotice(noticeText(line)), info: ignore, debug: ignore });
  const { target } = options;
  const watch = new ConnectionWatch(target.serverName);
  const channel = new Channel(target.uri, new SocketCredentials(options.secure, options.silentPeerMs), {
    ...channelOptions(options),
    [WATCH_OPTION]: watch,
  });
  const route: Route = { channel, watch, authority: target.authority };
  return {
    call(method, frame, headers, timeoutMs, sink) {
      const call = new UnaryCall(route, method, frame, new HeaderBlock(headers, timeoutMs), sink);
      call.start();
      return call;
    },
    connect() {
      channel.getConnectivityState(true);
    },
    retryNow: () => watch.resetBackoff(),
    state: () => STATE_NAMES[channel.getConnectivityState(false)],
    hasConnected: () => watch.hasConnected,
    connections: () => watch.connections(),
    lastFailure: () => watch.lastFailure,
    close: () => channel.close(),
  };
}

function channelOptions(options: GrpcChannelOptions): ChannelOptions {
  return {
    "grpc.default_authority": options.target.authority,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ [BALANCER]: {} }] }),
    // Neither a service config out of DNS nor a proxy: backends are neighbours.
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.keepalive_time_ms": options.keepaliveTimeMs,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_receive_message_length": options.maxRecvBytes,
    "grpc.initial_reconnect_backoff_ms": options.minReconnectMs,
    "grpc.max_reconnect_backoff_ms": options.maxReconnectMs,
    "grpc.dns_min_time_between_resolutions_ms": DNS_INTERVAL_MS,
    "grpc.client_idle_timeout_ms": NEVER_IDLE_MS,
    "grpc.primary_user_agent": "hawser",
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.enable_channelz": 0,
  };
}

function ignore(): void {}

/** The one notice that quotes values, those of a reply's headers, loses them: they are not ours to log. */
function noticeText(line: string): string {
  return line.startsWith("Failed to add metadata") ? "gRPC: a reply had metadata that is not allowed" : line;
}

const STATE_NAMES: Readonly<Record<connectivityState, GrpcChannelState>> = {
  [connectivityState.IDLE]: "idle",
  [connectivityState.CONNECTING]: "connecting",
  [connectivityState.READY]: "ready",
  [connectivityState.TRANSIENT_FAILURE]: "failing",
  [connectivityState.SHUTDOWN]: "closed",
};

interface Route {
  readonly channel: Channel;
  readonly watch: ConnectionWatch;
  readonly authority: string;
}

/** What a call is told to once it is under way: a stream of one connection, or the channel's call. */
type Handle = Pick<experimental.CallStream, "cancelWithStatus" | "getPeer">;

/**
 * One call. While a connection stands it goes to that directly: the layers in between (deadline, retry, compression,
 * interceptors) have nothing to do for this server and cost as much again as the call, 105 us of CPU against 55. Without
 * a connection it takes the library's way, which waits for one or fails.
 */
class UnaryCall implements InterceptingListener, GrpcCall {
  readonly #route: Route;
  readonly #method: string;
  readonly #frame: Buffer;
  readonly #headers: HeaderBlock;
  readonly #sink: GrpcCallSink;
  #handle: Handle | null = null;
  #direct = false;
  #cancelled = false;
  #message: Uint8Array | null = null;

  constructor(route: Route, method: string, frame: Uint8Array, headers: HeaderBlock, sink: GrpcCallSink) {
    this.#route = route;
    this.#method = method;
    this.#frame = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#headers = headers;
    this.#sink = sink;
  }

  start(): void {
    const { picker } = this.#route.watch;
    if (picker === null || !this.#startDirectly(picker)) this.#startOverChannel();
  }

  cancel(code: number, details: string): void {
    this.#cancelled = true;
    this.#handle?.cancelWithStatus(code, details);
  }

  peer(): string {
    const peer = this.#handle?.getPeer() ?? "unknown";
    return peer === "unknown" ? this.#route.authority : peer;
  }

  #startDirectly(picker: experimental.Picker): boolean {
    const { subchannel } = picker.pick({ metadata: this.#headers, extraPickInfo: NO_PICK_INFO });
    const stream = subchannel === null ? null : this.#openStream(subchannel.getRealSubchannel());
    if (stream === null) return false;
    this.#handle = stream;
    this.#direct = true;
    stream.startRead();
    stream.sendMessageWithContext(NO_CONTEXT, this.#frame);
    stream.halfClose();
    return true;
  }

  #openStream(subchannel: Subchannel): ReturnType<Subchannel["createCall"]> | null {
    try {
      return subchannel.createCall(this.#headers, this.#route.authority, this.#method, this);
    } catch {
      // The connection has just ended, and nothing was sent: the library's way waits for the next one.
      return null;
    }
  }

  #startOverChannel(): void {
    const { channel } = this.#route;
    if (channel.getConnectivityState(false) === connectivityState.SHUTDOWN) {
      queueMicrotask(() => this.#failed(status.UNAVAILABLE, "Channel has been shut down"));
      return;
    }
    const call = channel.createCall(this.#method, Number.POSITIVE_INFINITY, null, null, null);
    this.#handle = call;
    this.#direct = false;
    call.start(this.#headers.toMetadata(), this);
    call.startRead();
    call.sendMessageWithContext(NO_CONTEXT, this.#frame.subarray(FRAME_HEADER_BYTES));
    call.halfClose();
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(message: Uint8Array): void {
    this.#message = message;
  }

  onReceiveStatus({ code, details, rstCode }: StatusObject & { readonly rstCode?: number }): void {
    const message = this.#message;
    if (code !== status.OK) {
      if (rstCode === REFUSED_STREAM && this.#direct && !this.#cancelled) this.#startOverChannel();
      else this.#failed(code, details);
    } else if (message === null) {
      this.#sink.failed(status.INTERNAL, "the status is OK and there is no message");
    } else if (this.#direct) {
      // Asked for no compression (PROTOCOL-HTTP2, Message-Accept-Encoding), so a compressed message is not for us.
      if (message[0] === 0) this.#sink.replied(message.subarray(FRAME_HEADER_BYTES));
      else this.#sink.failed(status.INTERNAL, "the message is compressed, which was not asked for");
    } else {
      this.#sink.replied(message);
    }
  }

  /** Neither is there when the library could not unpack a message. */
  #failed(code: number | undefined, details: string | undefined): void {
    this.#sink.failed(code ?? status.INTERNAL, details ?? "the message could not be read");
  }
}

const NO_CONTEXT = {};
const NO_PICK_INFO = {};

/** The headers of a call, made once for both ways. */
class HeaderBlock extends Metadata {
  readonly #lines: Record<string, string> = {};

  constructor(headers: Readonly<Record<string, string>>, timeoutMs: number) {
    super();
    for (const name in headers) this.#lines[name] = headerText(headers[name] ?? "");
    if (timeoutMs > 0) this.#lines["grpc-timeout"] = `${Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS)}m`;
  }

  /** For the direct way. The caller adds its own to what it gets. */
  override toHttp2Headers(): OutgoingHttpHeaders {
    return { ...this.#lines };
  }

  toMetadata(): Metadata {
    const metadata = new Metadata();
    for (const name in this.#lines) metadata.set(name, this.#lines[name] ?? "");
    return metadata;
  }
}

/** RFC 9113 8.2.1: a value neither starts nor ends with a space; gRPC allows printable ASCII alone. */
const SENDABLE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;

/** Percent-encodes what a header cannot carry. An illegal value would end the connection, and every call on it. */
function headerText(value: string): string {
  if (SENDABLE.test(value)) return value;
  return value.toWellFormed().replace(/[^\x20-\x7e]+|^ +| +$/g, encodeURIComponent);
}

/** What the balancer of a channel knows, for the calls that go past the channel. */
class ConnectionWatch {
  readonly #serverName: string | null;
  readonly #subchannels = new Map<string, Subchannel>();
  /** Chooses the connection of the next call; null while none stands. */
  picker: experimental.Picker | null = null;
  hasConnected = false;
  lastFailure: ConnectFailure | null = null;

  constructor(serverName: string | null) {
    this.#serverName = serverName;
  }

  serverNameOf(address: experimental.SubchannelAddress): string {
    return this.#serverName ?? ("host" in address ? address.host : "localhost");
  }

  moved(state: connectivityState, picker: experimental.Picker): void {
    const ready = state === connectivityState.READY;
    this.picker = ready ? picker : null;
    this.hasConnected ||= ready;
  }

  track(subchannel: Subchannel): void {
    const address = subchannel.getAddress();
    if (this.#subchannels.get(address) === subchannel) return;
    this.#subchannels.get(address)?.removeConnectivityStateListener(this.#onMove);
    this.#subchannels.set(address, subchannel);
    subchannel.addConnectivityStateListener(this.#onMove);
  }

  forgetAll(): void {
    this.picker = null;
    for (const subchannel of this.#subchannels.values()) {
      subchannel.removeConnectivityStateListener(this.#onMove);
    }
    this.#subchannels.clear();
  }

  resetBackoff(): void {
    for (const subchannel of this.#subchannels.values()) subchannel.resetBackoff();
  }

  connections(): number {
    let count = 0;
    for (const subchannel of this.#subchannels.values()) {
      if (subchannel.getConnectivityState() === connectivityState.READY) count += 1;
    }
    return count;
  }

  readonly #onMove: experimental.ConnectivityStateListener = (subchannel, _from, to, _keepalive, error) => {
    if (to !== connectivityState.TRANSIENT_FAILURE || error === undefined) return;
    // The library's text is `Error: <message>`, at times with the date behind it.
    const reason = error.replace(/^Error: /, "").replace(/ \(\d{4}-[^()]*Z\)$/, "");
    this.lastFailure = { address: subchannel.getAddress(), reason };
  };
}

/** The library's round robin, with its connections and its picker in view of a `ConnectionWatch`. */
class WatchedRoundRobin implements experimental.LoadBalancer {
  readonly #child: experimental.ChildLoadBalancerHandler;
  readonly #config = experimental.parseLoadBalancingConfig({ round_robin: {} });
  #watch: ConnectionWatch | null = null;

  constructor(parent: experimental.ChannelControlHelper) {
    const helper = experimental.createChildChannelControlHelper(parent, {
      createSubchannel: (address, args) => {
        const named = { ...args, [SERVER_NAME_OPTION]: this.#watch?.serverNameOf(address) ?? "" };
        const subchannel = parent.createSubchannel(address, named);
        this.#watch?.track(subchannel.getRealSubchannel());
        return subchannel;
      },
      updateState: (state, picker, error) => {
        this.#watch?.moved(state, picker);
        parent.updateState(state, picker, error);
      },
    });
    this.#child = new experimental.ChildLoadBalancerHandler(helper);
  }

  updateAddressList(
    endpoints: Parameters<experimental.LoadBalancer["updateAddressList"]>[0],
    _config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    const watch: unknown = options[WATCH_OPTION];
    if (watch instanceof ConnectionWatch) this.#watch = watch;
    // A failed look-up keeps the connections of the last one.
    if (endpoints.ok) this.#watch?.forgetAll();
    return this.#child.updateAddressList(endpoints, this.#config, options, note);
  }

  exitIdle(): void {
    this.#child.exitIdle();
  }

  resetBackoff(): void {
    this.#child.resetBackoff();
  }

  destroy(): void {
    this.#watch?.forgetAll();
    this.#child.destroy();
  }

  getTypeName(): string {
    return BALANCER;
  }
}

class RoundRobinConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return BALANCER;
  }

  toJsonObject(): object {
    return { [BALANCER]: {} };
  }

  static createFromJson(): RoundRobinConfig {
    return new RoundRobinConfig();
  }
}

/** Hands on the addresses that the target itself holds. Host names are looked up by each connection. */
class ListResolver implements experimental.Resolver {
  readonly #endpoints: experimental.Endpoint[];
  readonly #listener: experimental.ResolverListener;
  #told = false;

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    this.#listener = listener;
    this.#endpoints = target.path.split(",").map((text) => {
      const { host, port } = experimental.splitHostPort(text) ?? { host: text };
      return { addresses: [{ host, port: port ?? 443 }] };
    });
  }

  /** Asked again after every lost connection; telling the same again would drop those that stand. */
  updateResolution(): void {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => this.#listener(experimental.statusOrFromValue(this.#endpoints), {}, null, ""));
  }

  destroy(): void {
    this.#told = false;
  }

  static getDefaultAuthority(target: experimental.GrpcUri): string {
    return target.path.split(",", 1)[0] ?? target.path;
  }
}

/** Plain text or our own TLS on connected sockets; either way a peer that never says a word is given up. */
class SocketCredentials extends ChannelCredentials {
  readonly #secure: SecureConnect | null;
  readonly #silentPeerMs: number;

  constructor(secure: SecureConnect | null, silentPeerMs: number) {
    super();
    this.#secure = secure;
    this.#silentPeerMs = silentPeerMs;
  }

  _isSecure(): boolean {
    return this.#secure !== null;
  }

  _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  _createSecureConnector(
    _target: experimental.GrpcUri,
    options: ChannelOptions,
  ): experimental.SecureConnector {
    const serverName = String(options[SERVER_NAME_OPTION] ?? "");
    return {
      connect: (socket) => this.#connect(socket, serverName),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => NO_CREDENTIALS,
      destroy: ignore,
    };
  }

  async #connect(socket: Socket, serverName: string): Promise<experimental.SecureConnectResult> {
    const timer = setTimeout(() => {
      if (socket.bytesRead === 0)
        socket.destroy(new Error("the peer accepted the connection and says nothing"));
    }, this.#silentPeerMs);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
    if (this.#secure === null) return { socket, secure: false };
    return { socket: await this.#secure(socket, serverName), secure: true };
  }
}

const NO_CREDENTIALS = CallCredentials.createEmpty();

// The library knows both by name, for the whole process.
experimental.registerResolver(GRPC_LIST_SCHEME, ListResolver);
experimental.registerLoadBalancerType(BALANCER, WatchedRoundRobin, RoundRobinConfig);
