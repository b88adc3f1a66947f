import type { Answer } from "./answer.ts";

/** What the followers of a stream are told when someone comes or goes. */
export type PresenceEvent =
  /** `info` is JSON text; null where none was given. */
  | { readonly type: "join"; readonly id: string; readonly info: string | null }
  | { readonly type: "leave"; readonly id: string };

/** `event` is null when nothing changed for the others; `why` is a phrase for the operator. */
export type PresenceOutcome =
  | { readonly done: true; readonly event: PresenceEvent | null }
  | { readonly done: false; readonly why: string };

export interface PresenceSize {
  /** With somebody on them. */
  readonly streams: number;
  /** That are on a stream at least, those that were lost a moment ago among them. */
  readonly sessions: number;
}

/**
 * PORT: who is on which stream (anycable broker/memory.go@1.6.16). An id can be there by several sessions and is gone
 * with the last of them. A session is there while it is connected and `--presence_ttl` beyond (DEVIATION: D14). An
 * adapter whose answers are promises keeps the order of its calls for a session.
 */
export interface Presence {
  /**
   * The same id again only replaces what is said of it (`info`, JSON text or null). Not done when the session is there
   * under another id, or would take more room than LIMITS.maxPresence* allow; then nothing changes.
   */
  join(stream: string, sid: string, id: string, info: string | null): Answer<PresenceOutcome>;
  /** Takes the session from the stream. Not done when it was not there. */
  leave(stream: string, sid: string): Answer<PresenceOutcome>;
  /** JSON text of everyone who is there: `{"type":"info","total":1,"records":[{"info":{},"id":"1"}]}`. */
  info(stream: string): Answer<string>;
  /**
   * The client of one session, gone or not, goes on with another: that is there wherever the former one is. The reference
   * has the client join again, and takes it for gone if it does not (DEVIATION: D14).
   */
  resumed(formerSid: string, sid: string): Answer<void>;
  /** The session's connection is gone: its time begins to run. One that joins again is connected. */
  disconnected(sid: string): Answer<void>;
  /** How much of it this process keeps. */
  size(): PresenceSize;
  /** Called with what became of those whose time is over. One listener. */
  onExpired(listener: (stream: string, event: PresenceEvent) => void): void;
}
