import type { JsonObject } from "@hawser/core/wire/strict-json";
import type { Connection } from "./connection.ts";
import type { State } from "./state.ts";

/** A value now or later. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Handlers of one channel. What they do through their context is collected and takes effect together, once the handler
 * is done; a handler that throws takes no effect, and the server logs its message.
 */
export interface ChannelHandlers<Identifiers, Params, Data, Actions extends string> {
  /** A client wants to subscribe; it is confirmed unless `ctx.reject()` is called. Absent: every subscription is confirmed. */
  subscribed?(ctx: ChannelContext<Identifiers, Params>, params: Params): Awaitable<void>;
  /** The subscription has ended: the client unsubscribed, or its connection is gone, when nothing can be sent any more. */
  unsubscribed?(ctx: ChannelContext<Identifiers, Params>, params: Params): Awaitable<void>;
  /** What subscribed clients may ask for, by the `action` in their data. */
  readonly actions?: {
    readonly [Name in Actions]: (
      ctx: ChannelContext<Identifiers, Params>,
      data: Name extends keyof Data ? Data[Name] : JsonObject,
    ) => Awaitable<void>;
  };
  /**
   * Makes typed parameters of the client's: whatever it put beside `channel` in the identifier. Throw to refuse them;
   * the subscription is then rejected.
   */
  readonly params?: (raw: JsonObject) => Params;
  /** The same for the data of an action. What throws here is not performed. */
  readonly data?: { readonly [Name in keyof Data]: (raw: JsonObject) => Data[Name] };
}

/** Clients send what they like, so a type of one's own needs the parser that makes it. */
type NeededParsers<Params, Data> = (JsonObject extends Params
  ? unknown
  : { readonly params: (raw: JsonObject) => Params }) &
  (object extends Data
    ? unknown
    : { readonly data: { readonly [Name in keyof Data]: (raw: JsonObject) => Data[Name] } });

/** A channel: its handlers, and the parsers that its types need. */
export type ChannelDefinition<Identifiers, Params, Data, Actions extends string> = ChannelHandlers<
  Identifiers,
  Params,
  Data,
  Actions
> &
  NeededParsers<Params, Data>;

/** What a handler can see and do. Only good until the handler is done: later calls throw. */
export interface ChannelContext<Identifiers, Params> {
  /** The subscription, as the client named it. */
  readonly identifier: string;
  /** What the client put beside `channel` in it, as `params` of the channel has made it. */
  readonly params: Params;
  /** Who the client is, and how it came. */
  readonly connection: Connection<Identifiers>;
  /** Kept as long as the subscription lives. */
  readonly state: State;
  /** Sends this subscription what is broadcast to `stream`. */
  streamFrom(stream: string, options?: StreamOptions): void;
  /** Sends it no more of `stream`. Whispers on it end too. */
  stopStream(stream: string): void;
  /** The same for every stream, those that this call has started so far among them. */
  stopAllStreams(): void;
  /**
   * Shows the client to all who follow `stream`, as `id`, with `info` (anything that has JSON) to say of it; it takes effect
   * with the reply. Under an id that is there already, only the info counts. A subscription is present on one stream, the
   * last that was named so, until it ends or `leavePresence()`.
   */
  joinPresence(stream: string, id: string, info?: unknown): void;
  /** Takes the client off again. */
  leavePresence(): void;
  /** Sends `message` (anything that has JSON) to this subscription of this client alone. */
  transmit(message: unknown): void;
  /** In `subscribed`: refuses. What was transmitted is still sent, streams are not started. */
  reject(): void;
  /** Tells the client to go, and closes the connection. */
  disconnect(options?: DisconnectOptions): void;
}

/** How a subscription follows a stream. */
export interface StreamOptions {
  /**
   * Lets the client send to the stream what the application never sees: "is typing", the place of a cursor. Each
   * subscription whispers on one stream, the last that was started so. False unless given.
   *
   * Who gets a whisper cannot tell it from what you broadcast: give whispers a channel of their own, and believe nothing in
   * them.
   */
  readonly whisper?: boolean;
  /**
   * Lets the client ask who is present on the stream, and show itself there. Each subscription has presence on one stream,
   * the last that was named so. False unless given.
   *
   * Id and info are then the client's own words: use `joinPresence()` where the others rely on them.
   */
  readonly presence?: boolean;
}

/** What is said to a client that is told to go. */
export interface DisconnectOptions {
  /** What the client is told; `remote` unless given. */
  readonly reason?: string;
  /** Whether the client should come back; false unless given. */
  readonly reconnect?: boolean;
}
