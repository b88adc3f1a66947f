import type { Session, Subscription } from "../session/session.ts";
import type { EngineContext } from "./context.ts";
import { goLive } from "./holding.ts";

/** How long a client that has its session back may take to ask for what it missed. */
const WAIT_MS = 5000;

interface Wait {
  untilMs: number;
  /** Restored channels that the client has not said to be unconfirmed. */
  readonly identifiers: Set<string>;
}

/**
 * Sessions that were restored a moment ago. Their channels are held until their clients have asked for what they missed;
 * all may take equally long, so the order of coming is the order of the deadlines.
 */
export class RestoredSessions {
  readonly #context: EngineContext;
  readonly #waits = new Map<Session, Wait>();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  add(session: Session, identifiers: readonly string[]): void {
    if (identifiers.length === 0) return;
    const untilMs = this.#context.clock.monotonicMs() + WAIT_MS;
    this.#waits.set(session, { untilMs, identifiers: new Set(identifiers) });
  }

  /**
   * Whether the client may ask for the confirmation of this channel, which happens once: the connection broke between
   * our confirming it and the client's hearing that, and a client that is never told gives the channel up.
   */
  takeUnconfirmed(session: Session, identifier: string): boolean {
    return this.#waits.get(session)?.identifiers.delete(identifier) ?? false;
  }

  ended(session: Session): void {
    this.#waits.delete(session);
  }

  /** Lets those go live whose clients have asked for nothing. */
  advance(nowMs: number): void {
    for (const [session, wait] of this.#waits) {
      if (wait.untilMs > nowMs) return;
      this.#waits.delete(session);
      // A command under way may be the very question: its answer has to come first.
      if (session.scope !== null) {
        wait.untilMs = nowMs + WAIT_MS;
        this.#waits.set(session, wait);
        continue;
      }
      for (const subscription of session.subscriptions?.values() ?? []) {
        goLive(this.#context, session, subscription);
      }
      session.holding = null;
    }
  }
}

/** Whether messages of the subscription wait for its client's question. */
export function isHeld({ holding }: Session, { groups }: Subscription): boolean {
  return holding !== null && groups.some(({ held }) => held?.includes(holding));
}
