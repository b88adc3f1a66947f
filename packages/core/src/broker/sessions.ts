import type { TokenMarks } from "../jwt/revocation/token-marks.ts";
import type { Answer } from "./answer.ts";

/** What of a session outlives its connection. */
export interface SessionSnapshot {
  readonly identifiers: string;
  /** The id of the session that it began as. */
  readonly lineage: string;
  /** How its client was let in, and so how it must be to have the session back (DEVIATION: D2). */
  readonly admittedBy: "token" | "public" | "backend";
  /** Whom its token named, which are not the identifiers where the application was asked as well; null without one. */
  readonly tokenIdentity: string | null;
  /** Of its token, to be known by when that is revoked. */
  readonly marks: TokenMarks | null;
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
 * PORT: sessions whose connection is gone by their `sid`, for `--sessions_ttl` (anycable broker/broker.go@1.6.16). Only
 * of clients that were let in (DEVIATION: D1). A session that is still connected is the engine's own, but where other
 * servers have the same sessions. An adapter whose answers are promises keeps the order of its calls for a session.
 */
export interface Sessions {
  /**
   * Whether other servers have the same sessions. Then one that is connected is kept here as well, for its server may die
   * without a word: it is saved at every change, renewed before its time is over, and removed when it is ended on purpose.
   */
  readonly isShared: boolean;
  /** Keeps the snapshot from now on for the time to live, in place of an earlier one. */
  save(sid: string, snapshot: SessionSnapshot): Answer<void>;
  /** The session as last saved; it stays until its time is over, as in the reference. */
  find(sid: string): Answer<SessionSnapshot | null>;
  /** Lets the time of a session that is here begin anew. */
  renew(sid: string): Answer<void>;
  remove(sid: string): Answer<void>;
  /** Removes every session of these identifiers, compared as text; with a lineage, only those that began as that one. */
  removeOf(identifiers: string, lineage?: string): Answer<void>;
  /** Removes every session that matches: for what an operator asks for, not for what clients can cause. */
  removeWhere(matches: (sid: string, snapshot: SessionSnapshot) => boolean): Answer<void>;
}
