import type { Answer } from "./answer.ts";

/** What of a session outlives its connection. */
export interface SessionSnapshot {
  readonly identifiers: string;
  /** How its client proved who it is, and so what it must show to have the session back (DEVIATION: D2). */
  readonly admittedBy: "token" | "public" | "backend";
  readonly cstate: Readonly<Record<string, string>>;
  readonly subscriptions: readonly SubscriptionSnapshot[];
  readonly disconnectInterest: boolean;
}

export interface SubscriptionSnapshot {
  readonly identifier: string;
  readonly streams: readonly string[];
  readonly istate: Readonly<Record<string, string>>;
  /** Confirmed by a route of this server and not by the application. */
  readonly routed: boolean;
}

/**
 * PORT: sessions whose connection is gone, or whose server may go, by their `sid`, for `--sessions_ttl`
 * (anycable broker/broker.go@1.6.16). Only of clients that were let in (DEVIATION: D1).
 */
export interface Sessions {
  /**
   * Whether the session must be saved at each change, because others may have to go on with it. Where not, it is saved
   * when its connection ends: until then the server itself holds it.
   */
  readonly savesWhileConnected: boolean;
  /** Keeps the snapshot from now on for the time to live. */
  save(sid: string, snapshot: SessionSnapshot): Answer<void>;
  /** The session as last saved; it stays until its time is over, as in the reference. */
  find(sid: string): Answer<SessionSnapshot | null>;
  remove(sid: string): Answer<void>;
}
