import type { Answer } from "./answer.ts";

/** What the others are told when someone comes or goes; null when nothing changed for them. */
export type PresenceEvent =
  | { readonly type: "join"; readonly id: string; readonly info: unknown }
  | { readonly type: "leave"; readonly id: string };

/** The session is on this stream under another id. */
export type JoinOutcome =
  | { readonly joined: true; readonly event: PresenceEvent | null }
  | { readonly joined: false };

/**
 * PORT: who is on which stream (anycable broker/memory.go@1.6.16). An id can be there by several sessions and is gone
 * with the last of them. A session is there while it is connected and `--presence_ttl` beyond (DEVIATION: D14).
 */
export interface Presence {
  /** The same id again only replaces its info. */
  join(stream: string, sid: string, id: string, info: unknown): Answer<JoinOutcome>;
  /** Takes the session from the stream; the event is null when it was not there or others hold the id. */
  leave(stream: string, sid: string): Answer<PresenceEvent | null>;
  /** JSON text of everyone who is there: `{"type":"info","total":1,"records":[{"info":{},"id":"1"}]}`. */
  info(stream: string): Answer<string>;
  /** The session's connection is gone: its time begins to run. */
  disconnected(sid: string): Answer<void>;
  /** Called with what became of those whose time is over. One listener. */
  onExpired(listener: (stream: string, event: PresenceEvent) => void): void;
}
