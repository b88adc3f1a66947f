import type { Sessions } from "../broker/sessions.ts";
import { isClosed, type Session } from "../session/session.ts";
import { TICK_MS } from "../session/timer-wheel.ts";
import type { EngineContext } from "./context.ts";
import { reportFault, snapshotOf } from "./resume.ts";

/** A session is due to be renewed after this part of its time to live. */
const DUE_SHARE = 1 / 4;
/** Those that are due together are renewed over this part of it, so that all are before half of it is over. */
const SPREAD_SHARE = 1 / 8;

interface Saved {
  atMs: number;
  /** Whether the store has the session as it is, as far as can be known. */
  isCurrent: boolean;
}

/**
 * Sessions that are connected, where other nodes have the same store of sessions: this node may die without a word, and
 * then another gives its clients their sessions back. One save a session and a tick at most, whatever changes within it.
 */
export class SavedSessions {
  readonly #context: EngineContext;
  readonly #sessions: Sessions;
  readonly #dueMs: number;
  readonly #spreadMs: number;
  /** Since the last tick. */
  readonly #changed = new Set<Session>();
  /** All that the store has, those first that were saved or renewed longest ago. */
  readonly #saved = new Map<Session, Saved>();

  constructor(context: EngineContext, sessions: Sessions, ttlMs: number) {
    this.#context = context;
    this.#sessions = sessions;
    this.#dueMs = ttlMs * DUE_SHARE;
    this.#spreadMs = ttlMs * SPREAD_SHARE;
  }

  /** Something of the session that its client is to find again is another than before. */
  changed(session: Session): void {
    if (session.lineage !== null && session.state === "open") this.#changed.add(session);
  }

  /** Saves what has changed and renews what is due; to be called about every `TICK_MS`. */
  advance(nowMs: number): void {
    for (const session of this.#changed) this.#save(session, nowMs);
    this.#changed.clear();
    let left = Math.ceil((this.#saved.size * TICK_MS) / this.#spreadMs);
    for (const [session, { atMs, isCurrent }] of this.#saved) {
      if (left <= 0 || atMs + this.#dueMs > nowMs) return;
      left -= 1;
      if (isCurrent) this.#renew(session, nowMs);
      else this.#save(session, nowMs);
    }
  }

  /** @param keep whether its client may have it back; then the caller has saved it as it was at the end. */
  ended(session: Session, keep: boolean): void {
    this.#changed.delete(session);
    if (!this.#saved.delete(session) || keep) return;
    const removed = this.#sessions.remove(session.sid);
    if (removed instanceof Promise) removed.catch((fault: unknown) => reportFault(this.#context, fault));
  }

  /** What the store had may be gone: all are saved again, one after the other. */
  saveAgain(): void {
    for (const saved of this.#saved.values()) {
      saved.isCurrent = false;
      saved.atMs = Number.NEGATIVE_INFINITY;
    }
  }

  #save(session: Session, nowMs: number): void {
    if (session.lineage === null || isClosed(session)) return;
    const answer = this.#sessions.save(session.sid, snapshotOf(this.#context, session, session.lineage));
    this.#await(session, nowMs, answer);
  }

  #renew(session: Session, nowMs: number): void {
    this.#await(session, nowMs, this.#sessions.renew(session.sid));
  }

  #await(session: Session, nowMs: number, answer: void | Promise<void>): void {
    const saved: Saved = { atMs: nowMs, isCurrent: true };
    this.#saved.delete(session); // to the end
    this.#saved.set(session, saved);
    if (!(answer instanceof Promise)) return;
    answer.catch((fault: unknown) => {
      saved.isCurrent = false;
      reportFault(this.#context, fault);
    });
  }
}
