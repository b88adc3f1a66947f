import type { Session } from "./session.ts";
import { TimerWheel } from "./timer-wheel.ts";

/** When nothing is due. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Something that comes due for a session again and again, or once: its next ping, the end of its token. */
export interface Deadline {
  /** On the monotonic clock; `NEVER` where there is none. */
  dueAtMs(session: Session): number;
  /** It is due. Afterwards it lies ahead, or there is none, or the session is closed. */
  onDue(session: Session, nowMs: number): void;
}

/**
 * All deadlines of all sessions. A session is in the wheel once, however many it has: for the earliest. So one that
 * moves away costs nothing until the wheel comes by, and one more sort of deadline no memory in the sessions without it.
 */
export class Deadlines {
  readonly #kinds: readonly Deadline[];
  readonly #wheel: TimerWheel<Session>;

  constructor(nowMs: number, kinds: readonly Deadline[]) {
    this.#kinds = kinds;
    this.#wheel = new TimerWheel(nowMs, (session, firedMs) => this.#onDue(session, firedMs));
  }

  /** To be called when a deadline of the session was set, or came nearer. */
  changed(session: Session): void {
    const dueAtMs = this.#earliest(session);
    if (session.wheelSlot >= 0 && session.dueAtMs <= dueAtMs) return;
    if (dueAtMs !== NEVER) this.#wheel.schedule(session, dueAtMs);
  }

  /** Forgets the session. */
  stop(session: Session): void {
    this.#wheel.cancel(session);
  }

  /** To be called about every `TICK_MS`. */
  advance(nowMs: number): void {
    this.#wheel.advance(nowMs);
  }

  #onDue(session: Session, nowMs: number): void {
    for (const kind of this.#kinds) {
      // What is due can end the session within the call.
      if (session.state === "closed") return;
      if (kind.dueAtMs(session) <= nowMs) kind.onDue(session, nowMs);
    }
    if (session.state !== "closed") this.changed(session);
  }

  #earliest(session: Session): number {
    let earliestMs = NEVER;
    for (const kind of this.#kinds) earliestMs = Math.min(earliestMs, kind.dueAtMs(session));
    return earliestMs;
  }
}
