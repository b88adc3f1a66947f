import type { Random } from "../random.ts";

const ALPHABET = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** The same numbers and ids on every run with the same seed. For tests alone: everything here can be guessed. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed = 1) {
    this.#state = seed >>> 0;
  }

  /** mulberry32: 32 bits of state, full period. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  id(length: number): string {
    let text = "";
    for (let i = 0; i < length; i++) text += ALPHABET.charAt(Math.floor(this.fraction() * 64));
    return text;
  }
}
