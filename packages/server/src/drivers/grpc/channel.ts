import type { Socket } from "node:net";

export type GrpcAddress =
  | { readonly host: string; readonly port: number }
  /** A Unix socket. */
  | { readonly path: string };

/** Where the addresses come from: a name to look up, or a list. Host names in a list are looked up for each connection. */
export type GrpcSource =
  | {
      readonly kind: "name";
      readonly host: string;
      readonly port: number;
      /** Address of the name server to ask, with a port or without; null for the system's way. */
      readonly nameServer: string | null;
    }
  | { readonly kind: "addresses"; readonly addresses: readonly GrpcAddress[] };

/** Where a channel leads, already taken apart. */
export interface GrpcTarget {
  readonly source: GrpcSource;
  /** The `:authority` of every call. */
  readonly authority: string;
  /** The name that a certificate must be good for; null for each address's own. */
  readonly serverName: string | null;
}

/** Turns a connected socket into a TLS one whose peer has proved to be `serverName`; rejects with an `Error`. */
export type SecureConnect = (socket: Socket, serverName: string) => Promise<Socket>;

export interface ReplyHeader {
  readonly name: string;
  heard(value: string): void;
}

export interface GrpcChannelOptions {
  readonly target: GrpcTarget;
  /** Null for plain text. */
  readonly secure: SecureConnect | null;
  /** Quiet time of a connection before it is pinged, with calls under way or without. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly maxRecvBytes: number;
  /** The wait after a first failure to connect; it grows up to `maxReconnectMs`, give or take a fifth. */
  readonly minReconnectMs: number;
  readonly maxReconnectMs: number;
  /** How long a connection may take to stand: a peer may accept it and then say nothing. */
  readonly silentPeerMs: number;
  /** Least time between two look-ups of a name that has been found. */
  readonly lookUpIntervalMs: number;
  /** How many connections there are to each address; calls take them in turn. */
  readonly connectionsPerAddress: number;
  /** After so many a connection is replaced: HTTP/2 has numbers for 2^30. */
  readonly maxCallsPerConnection: number;
  /** Hears what an operator should know and no call tells, which is rare. One line. */
  readonly onNotice: (line: string) => void;
  /** A header of replies, in lower case, and who hears its value of each reply that has it; null for none. */
  readonly replyHeader: ReplyHeader | null;
}

export type GrpcChannelState = "idle" | "connecting" | "ready" | "failing" | "closed";

/** Hears the end of a call: exactly one of the two, once, and never before `GrpcChannel.call` has returned. */
export interface GrpcCallSink {
  /** @param message the reply without its frame. */
  replied(message: Uint8Array): void;
  /** @param code gRPC's, 1 to 16. */
  failed(code: number, details: string): void;
}

export interface GrpcCall {
  /** Ends the call with this status, which the sink then hears; the server sees a cancelled stream. */
  cancel(code: number, details: string): void;
  /** Address of the server that has the call, or the target while there is none. */
  peer(): string;
}

/** Why the last connection that failed did. */
export interface ConnectFailure {
  readonly address: string;
  readonly reason: string;
}

/** Unary calls to one target, over the connections to its addresses in turn. */
export interface GrpcChannel {
  /**
   * @param method `/package.Service/Method`.
   * @param frame the request as one gRPC frame.
   * @param headers lower-case names; values of any text: what HTTP/2 does not carry is percent-encoded.
   * @param timeoutMs told to the server as `grpc-timeout`, 0 for none. Keeping it is left to the caller.
   */
  call(
    method: string,
    frame: Uint8Array,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    sink: GrpcCallSink,
  ): GrpcCall;
  /** Starts connecting, unless that is under way or done. */
  connect(): void;
  /** Forgets the back-off of failed connections and tries again at once. */
  retryNow(): void;
  state(): GrpcChannelState;
  /** True once an HTTP/2 connection stood. */
  hasConnected(): boolean;
  /** How many connections stand. */
  connections(): number;
  lastFailure(): ConnectFailure | null;
  close(): void;
}
