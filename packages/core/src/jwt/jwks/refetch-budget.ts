import type { Clock } from "../../clock.ts";

/** How many fetches strangers may cause at once, and how soon one more. */
const BURST = 3;
const REFILL_MS = 60_000;

/**
 * A token bucket for the fetches that tokens with a foreign `kid` cause: whoever can connect can write one. Counted by
 * attempt, so that an issuer that is down is not asked more often than one that answers.
 */
export class RefetchBudget {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #left = BURST;
  #filledAtMs: number;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Whether one more is allowed, which is then spent. */
  spend(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const refills = Math.floor((nowMs - this.#filledAtMs) / REFILL_MS);
    if (refills > 0) {
      this.#left = Math.min(BURST, this.#left + refills);
      this.#filledAtMs += refills * REFILL_MS;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
