/**
 * PORT: the application behind this server (anycable etc/rpc.proto@1.6.16).
 *
 * A method answers with a reply whatever the application decided ("error" is the application's own status ERROR);
 * it rejects with a `CableError` when there is no reply at all: `backend_unreachable`, `backend_deadline`,
 * `backend_overloaded`, `backend_failed`, `backend_protocol`, or `canceled` once `scope.cancel()` was called.
 */
export interface Backend {
  /** "none" answers by itself and at once; nothing about a connection has to be kept for it. */
  readonly kind: "grpc" | "http" | "none";
  connect(request: ConnectRequest, scope: CallScope): Reply<ConnectReply>;
  command(request: CommandRequest, scope: CallScope): Reply<CommandReply>;
  disconnect(request: DisconnectRequest, scope: CallScope): Reply<DisconnectReply>;
}

/** A backend that is not remote may answer without a promise; the engine then answers the client in the same tick. */
export type Reply<T> = T | Promise<T>;

export type StateMap = Readonly<Record<string, string>>;

/** What the application is told of the connection (proto message Env). */
export interface RpcEnv {
  /** The URL of the upgrade request, `http(s)://host/path?query`. Holds the token when it came by query. */
  readonly url: string;
  /** Proxied headers by lower-case name, and `REMOTE_ADDR`. */
  readonly headers: StateMap;
  readonly cstate: StateMap;
  /** For `command`, the state of that channel; for `disconnect`, channel identifier -> its state as JSON text. */
  readonly istate: StateMap;
}

export interface ConnectRequest {
  readonly sid: string;
  readonly env: RpcEnv;
  /** The verified claims as base64url JSON, sent as `x-jwt-identity`; null when no token was verified. */
  readonly jwtIdentity: string | null;
}

export interface CommandRequest extends ConnectRequest {
  readonly command: "subscribe" | "unsubscribe" | "message";
  readonly identifier: string;
  readonly connectionIdentifiers: string;
  /** Only for `message`. */
  readonly data: string;
}

export interface DisconnectRequest extends ConnectRequest {
  readonly identifiers: string;
  /** The identifiers of the channels still subscribed. */
  readonly subscriptions: readonly string[];
}

/** proto enum Status; ERROR is its zero value, so an empty reply is an error. */
export type ReplyStatus = "success" | "failure" | "error";

export interface ConnectReply {
  readonly status: ReplyStatus;
  readonly identifiers: string;
  /** Raw frames for the client, forwarded as they are. */
  readonly transmissions: readonly string[];
  readonly errorMessage: string;
  /** A delta: an empty value deletes its key. */
  readonly cstate: StateMap;
}

export interface CommandReply {
  readonly status: ReplyStatus;
  readonly disconnect: boolean;
  readonly stopStreams: boolean;
  readonly streams: readonly string[];
  readonly stoppedStreams: readonly string[];
  readonly transmissions: readonly string[];
  readonly errorMessage: string;
  readonly cstate: StateMap;
  readonly istate: StateMap;
  /** What the application says of the client's presence on this channel, or null. */
  readonly presence: PresenceReply | null;
}

/** proto message PresenceResponse, without its `ttl`, which the reference passes over as well. */
export interface PresenceReply {
  /** `join` or `leave`; anything else is passed over with a line in the log. */
  readonly type: string;
  readonly id: string;
  /** JSON text; what is no JSON counts as a string, and nothing as no info. */
  readonly info: string;
}

export interface DisconnectReply {
  readonly status: ReplyStatus;
  readonly errorMessage: string;
}

/** Ties a call to the session that asked: a session has at most one call under way. */
export class CallScope {
  cancelled = false;
  /** Set by the adapter while a call can be cut short. */
  onCancel: (() => void) | null = null;

  cancel(): void {
    this.cancelled = true;
    this.onCancel?.();
    this.onCancel = null;
  }
}
