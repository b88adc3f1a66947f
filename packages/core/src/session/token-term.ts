import { NEVER } from "./deadlines.ts";
import type { Session } from "./session.ts";

/** What a session remembers of its token, for as long as something follows from it. Times are on the monotonic clock. */
export interface TokenTerm {
  /** The token has yet to come, in a message. */
  awaited: boolean;
  /** Which session its client wants back once it has come; null for none. */
  formerSid: string | null;
  /** When the client is told that the token will expire. */
  noticeAtMs: number;
  /** When the connection ends; while the token is awaited, when nobody waits for it any more. */
  endsAtMs: number;
  /** The second in which the end has its place among others, by the wall clock; null without one. */
  slotS: number | null;
}

export function termOf(session: Session): TokenTerm {
  session.term ??= { awaited: false, formerSid: null, noticeAtMs: NEVER, endsAtMs: NEVER, slotS: null };
  return session.term;
}
