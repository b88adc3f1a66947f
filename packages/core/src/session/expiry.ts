import type { Clock } from "../clock.ts";
import { authExpiring } from "../protocol/replies.ts";
import type { Random } from "../random.ts";
import { CloseSlots } from "./close-slots.ts";
import { type Deadline, NEVER } from "./deadlines.ts";
import type { Session } from "./session.ts";
import { TICK_MS } from "./timer-wheel.ts";
import { type TokenTerm, termOf } from "./token-term.ts";

export interface ExpiryPolicy {
  /** `--session_expiry=close`; otherwise a connection outlives its token, and only those are told who asked for it. */
  readonly closes: boolean;
  /** `--session_expiry_jitter`: over how much of their tokens' lives the ends of connections are spread. */
  readonly jitterPercent: number;
  /** `--session_expiry_rate`: how many may end in a second; 0 for any number. */
  readonly closesPerS: number;
  /** `--session_expiry_notice`: how long before the end a client is told that asked for it. */
  readonly noticeMs: number;
  /** `--jwt_first_message_timeout`: how long a token may take that comes in a message. */
  readonly firstMessageTimeoutMs: number;
}

export interface ExpiryParts {
  readonly clock: Clock;
  readonly random: Random;
  /** A deadline of this session came nearer. */
  readonly changed: (session: Session) => void;
  readonly send: (session: Session, frame: string) => void;
  readonly onExpired: (session: Session) => void;
  /** The token that was awaited did not come. */
  readonly onNoToken: (session: Session) => void;
}

/** However long tokens live. */
const MAX_JITTER_MS = 60_000;

/** Part of what is left of a token's life that its connection has in any case, whoever else has to end. */
const KEPT = 0.1;

/** Before the end there have to be a look at the wheel and a write. */
const MARGIN_MS = 2 * TICK_MS;

/** How far the wall clock may drift from the other before ends are set anew. */
const MAX_DRIFT_MS = 1000;

/** How long a client that is not let in yet keeps its notice waiting. */
const NOTICE_RETRY_MS = 1000;

/**
 * The ends of connections whose tokens end. They are spread over the last part of the tokens' lives, because each client
 * fetches another token and comes back, and those who came together would do so together. Where too many would end in
 * one second, some end sooner; nobody ends later than the token, by the wall clock.
 */
export class Expiry implements Deadline {
  readonly #policy: ExpiryPolicy;
  readonly #parts: ExpiryParts;
  readonly #slots: CloseSlots | null;
  /** Wall clock minus monotonic clock. */
  #offsetMs: number;

  constructor(policy: ExpiryPolicy, parts: ExpiryParts) {
    this.#policy = policy;
    this.#parts = parts;
    this.#slots = policy.closes && policy.closesPerS > 0 ? new CloseSlots(policy.closesPerS) : null;
    this.#offsetMs = parts.clock.nowMs() - parts.clock.monotonicMs();
  }

  /** The session's token has to come in a message, and soon. */
  awaitToken(session: Session, formerSid: string | null): void {
    const term = termOf(session);
    term.awaited = true;
    term.formerSid = formerSid;
    term.endsAtMs = this.#parts.clock.monotonicMs() + this.#policy.firstMessageTimeoutMs;
    this.#parts.changed(session);
  }

  /** It has come; whether it is a good one is another question. */
  tokenCame(session: Session): void {
    this.#forget(session);
  }

  /**
   * A token was accepted, the first one of the session or a later one.
   *
   * @param endsAtMs when the connection has to end, by the wall clock; null for never.
   * @param issuedAtMs when the token's life began; null where it does not say.
   * @returns how long the client has, in whole seconds; null for as long as it likes.
   */
  accepted(session: Session, endsAtMs: number | null, issuedAtMs: number | null): number | null {
    this.#forget(session);
    if (endsAtMs === null) return null;
    const nowMs = this.#parts.clock.nowMs();
    if (!this.#policy.closes && !session.plan.tokenNotices) return secondsUntil(endsAtMs, nowMs);
    const term = termOf(session);
    const bornAtMs = Math.min(issuedAtMs ?? nowMs, nowMs);
    const ownEndMs = this.#ownEndMs(term, { bornAtMs, nowMs, endsAtMs });
    const leftMs = ownEndMs - nowMs;
    term.endsAtMs = ownEndMs - this.#offsetMs;
    if (session.plan.tokenNotices) {
      // A life that is shorter than that is not to be all notices.
      term.noticeAtMs = term.endsAtMs - Math.min(this.#policy.noticeMs, leftMs / 2);
    }
    this.#parts.changed(session);
    return secondsUntil(ownEndMs, nowMs);
  }

  /** The session is over, or its token is no longer the one that counts. */
  ended({ term }: Session): void {
    if (term === null || term.slotS === null) return;
    this.#slots?.free(term.slotS);
    term.slotS = null;
  }

  dueAtMs({ term }: Session): number {
    if (term === null) return NEVER;
    return this.#policy.closes || term.awaited ? Math.min(term.noticeAtMs, term.endsAtMs) : term.noticeAtMs;
  }

  onDue(session: Session, nowMs: number): void {
    const { term } = session;
    if (term === null) return;
    if (term.endsAtMs <= nowMs && (this.#policy.closes || term.awaited)) {
      if (term.awaited) this.#parts.onNoToken(session);
      else this.#parts.onExpired(session);
      return;
    }
    if (session.state !== "open") {
      term.noticeAtMs = nowMs + NOTICE_RETRY_MS;
      return;
    }
    term.noticeAtMs = NEVER;
    this.#parts.send(session, authExpiring(secondsUntil(term.endsAtMs, nowMs)));
  }

  /** Ends are by the wall clock and the wheel is not: after one of them has jumped, all ends move. */
  followClock(sessions: Iterable<Session>): void {
    const { clock, changed } = this.#parts;
    const offsetMs = clock.nowMs() - clock.monotonicMs();
    const aheadMs = offsetMs - this.#offsetMs;
    if (Math.abs(aheadMs) <= MAX_DRIFT_MS) return;
    this.#offsetMs = offsetMs;
    for (const session of sessions) {
      const { term } = session;
      if (term === null || term.awaited) continue;
      term.endsAtMs -= aheadMs;
      term.noticeAtMs -= aheadMs;
      changed(session);
    }
  }

  #forget(session: Session): void {
    this.ended(session);
    session.term = null;
  }

  /** When this connection ends of all that come with such tokens. */
  #ownEndMs(
    term: TokenTerm,
    { bornAtMs, nowMs, endsAtMs }: { bornAtMs: number; nowMs: number; endsAtMs: number },
  ): number {
    const leftMs = Math.max(0, endsAtMs - nowMs);
    const partMs = ((endsAtMs - bornAtMs) * this.#policy.jitterPercent) / 100;
    const windowMs = Math.min(MAX_JITTER_MS, partMs, leftMs * (1 - KEPT));
    const wantedMs = endsAtMs - windowMs * this.#parts.random.fraction();
    const soonestMs = nowMs + leftMs * KEPT;
    if (this.#slots === null) return Math.max(wantedMs - MARGIN_MS, soonestMs);
    const atMs = this.#slotMs(this.#slots, term, {
      wantedMs,
      soonestMs,
      windowStartMs: endsAtMs - windowMs,
      endsAtMs,
    });
    return Math.max(atMs - MARGIN_MS, soonestMs);
  }

  /** In the wanted second, else before it within the window, else in the last one that has room. */
  #slotMs(
    slots: CloseSlots,
    term: TokenTerm,
    at: { wantedMs: number; soonestMs: number; windowStartMs: number; endsAtMs: number },
  ): number {
    const soonest = Math.ceil(at.soonestMs / 1000);
    const last = Math.floor(at.endsAtMs / 1000) - 1;
    const wanted = Math.min(Math.floor(at.wantedMs / 1000), last);
    const windowStart = Math.max(Math.floor(at.windowStartMs / 1000), soonest);
    const { second, place } =
      slots.takeBackFrom(wanted, windowStart) ?? slots.takeBackFrom(last, soonest) ?? slots.take(wanted);
    term.slotS = second;
    // The first one at the end of its second.
    const share = (place % this.#policy.closesPerS) + 1;
    return (second + 1) * 1000 - (share * 1000) / this.#policy.closesPerS;
  }
}

/** Not less than 0; a moment more or less counts as none. */
function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.round((atMs - nowMs) / 1000));
}
