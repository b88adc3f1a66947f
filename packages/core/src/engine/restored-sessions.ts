import type { Session } from "../session/session.ts";
import type { EngineContext } from "./context.ts";
import { goLive } from "./holding.ts";

/** How long a client that has its session back may take to ask for what it missed. */
const WAIT_MS = 5000;

/**
 * Sessions that were restored a moment ago. Their channels are held until their clients have asked for what they missed;
 * all may take equally long, so the order of coming is the order of the deadlines.
 */
export class RestoredSessions {
  readonly #context: EngineContext;
  /** Until when. */
  readonly #waits = new Map<Session, number>();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  add(session: Session): void {
    this.#waits.set(session, this.#context.clock.monotonicMs() + WAIT_MS);
  }

  ended(session: Session): void {
    this.#waits.delete(session);
  }

  /** Lets those go live whose clients have asked for nothing. */
  advance(nowMs: number): void {
    for (const [session, untilMs] of this.#waits) {
      if (untilMs > nowMs) return;
      this.#waits.delete(session);
      // A command under way may be the very question: its answer has to come first.
      if (session.scope !== null) {
        this.#waits.set(session, nowMs + WAIT_MS);
        continue;
      }
      for (const subscription of session.subscriptions?.values() ?? []) {
        goLive(this.#context, session, subscription);
      }
      session.holding = null;
    }
  }
}
