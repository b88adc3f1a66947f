import type { Clock } from "../clock.ts";
import type { Session } from "../session/session.ts";

interface Pace {
  /** Messages that it may still send at once. */
  room: number;
  lastMs: number;
}

/** How fast each client talks: so many messages a second, and so many at once after a silence. */
export class CommandPace {
  readonly #clock: Clock;
  readonly #perS: number;
  readonly #atOnce: number;
  /** Beside the sessions: without a limit they carry nothing of it. */
  readonly #paces = new Map<Session, Pace>();

  constructor(clock: Clock, perS: number, atOnce = perS) {
    this.#clock = clock;
    this.#perS = perS;
    this.#atOnce = atOnce;
  }

  /** Counts one more message, and says whether it is one too many. */
  isTooFast(session: Session): boolean {
    const nowMs = this.#clock.monotonicMs();
    const pace = this.#paces.get(session);
    if (pace === undefined) {
      this.#paces.set(session, { room: this.#atOnce - 1, lastMs: nowMs });
      return false;
    }
    pace.room = Math.min(this.#atOnce, pace.room + ((nowMs - pace.lastMs) * this.#perS) / 1000) - 1;
    pace.lastMs = nowMs;
    return pace.room < 0;
  }

  ended(session: Session): void {
    this.#paces.delete(session);
  }
}
