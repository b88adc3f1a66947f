import type { Random } from "../random.ts";

/** An epoch that this or a former process gave out must not come again: 48 bits. */
const EPOCH_LENGTH = 8;

/**
 * The epochs of one process: a name at random and a generation behind it. A stream keeps the one that it was born under.
 * Once a stream of the current one is forgotten, those that are born later get the next, so that one that comes back is
 * never under the epoch that it had, and nothing is remembered of those that are gone (DEVIATION: D24).
 */
export class Epochs {
  readonly #name: string;
  #generation = 0;
  #current: string;

  constructor(random: Random) {
    this.#name = random.id(EPOCH_LENGTH);
    this.#current = this.#name;
  }

  /** For a stream that begins now. */
  get current(): string {
    return this.#current;
  }

  /** A stream of this epoch was forgotten. */
  forgotten(epoch: string): void {
    if (epoch !== this.#current) return;
    this.#generation += 1;
    this.#current = `${this.#name}.${this.#generation}`;
  }
}
