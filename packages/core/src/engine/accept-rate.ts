import type { Clock } from "../clock.ts";

/** How long new clients stand back once one that has a session to resume was turned away: it is to find room. */
const RESUMES_FIRST_MS = 1000;

/** So many clients a second are taken in, and what a second without any leaves over at once. */
export class AcceptRate {
  readonly #clock: Clock;
  readonly #perS: number;
  #room: number;
  #lastMs: number;
  #resumesOnlyUntilMs = 0;

  constructor(clock: Clock, perS: number) {
    this.#clock = clock;
    this.#perS = perS;
    this.#room = perS;
    this.#lastMs = clock.monotonicMs();
  }

  /**
   * Takes one client in, if there is room.
   *
   * @param resumes whether it has a session to resume; such clients come first.
   */
  take(resumes: boolean): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#room = Math.min(this.#perS, this.#room + ((nowMs - this.#lastMs) * this.#perS) / 1000);
    this.#lastMs = nowMs;
    if (!resumes && nowMs < this.#resumesOnlyUntilMs) return false;
    if (this.#room < 1) {
      if (resumes) this.#resumesOnlyUntilMs = nowMs + RESUMES_FIRST_MS;
      return false;
    }
    this.#room -= 1;
    return true;
  }
}
