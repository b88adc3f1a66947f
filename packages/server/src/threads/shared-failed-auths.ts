import type { Clock } from "@hawser/core/clock";
import { type FailedAuths, networkOf } from "@hawser/core/engine/failed-auths";

/** What is remembered of one address: its hash in two parts, how often it was refused, and the second in which its minute ends. */
const FIELDS = 4;
/** Places where an address may be; where all are taken, the one whose minute ends first is forgotten. */
const WAYS = 8;
const SETS = 2_048;
const ONE_MINUTE_S = 60;
const HIGH = 2 ** 32;

export interface SharedFailedAuthsParts {
  readonly clock: Clock;
  /** Of `roomForFailedAuths`, the same for all threads. */
  readonly buffer: SharedArrayBuffer;
  /** Not to be known outside: who knew it could have an address counted as another. */
  readonly salt: string;
  readonly hash: (text: string) => number;
  readonly maxPerMinute: number;
}

/**
 * How often each address was refused in its minute, counted by all connection threads together in memory that they share. Of two
 * that write down a new address in the same microsecond one may be lost; nothing else is.
 */
export class SharedFailedAuths implements FailedAuths {
  readonly #parts: SharedFailedAuthsParts;
  readonly #table: Int32Array;

  constructor(parts: SharedFailedAuthsParts) {
    this.#parts = parts;
    this.#table = new Int32Array(parts.buffer);
  }

  add(address: string): void {
    const [set, low, high] = this.#placeOf(address);
    const nowS = this.#nowS();
    const known = this.#find(set, low, high, nowS);
    if (known !== -1) {
      Atomics.add(this.#table, known + 2, 1);
      return;
    }
    const free = this.#leastOf(set);
    Atomics.store(this.#table, free, low);
    Atomics.store(this.#table, free + 1, high);
    Atomics.store(this.#table, free + 2, 1);
    Atomics.store(this.#table, free + 3, nowS + ONE_MINUTE_S);
  }

  banMs(address: string): number {
    const [set, low, high] = this.#placeOf(address);
    const nowS = this.#nowS();
    const known = this.#find(set, low, high, nowS);
    if (known === -1 || Atomics.load(this.#table, known + 2) < this.#parts.maxPerMinute) return 0;
    return (Atomics.load(this.#table, known + 3) - nowS) * 1000;
  }

  /** Threads have no other time in common than that of the wall. */
  #nowS(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000);
  }

  #placeOf(address: string): readonly [set: number, low: number, high: number] {
    const { hash, salt } = this.#parts;
    const number = hash(`${salt}${networkOf(address)}`);
    const high = Math.floor(number / HIGH);
    return [(high % SETS) * WAYS * FIELDS, number | 0, high];
  }

  /** @returns where the address is whose minute is not over, or -1. */
  #find(set: number, low: number, high: number, nowS: number): number {
    for (let at = set; at < set + WAYS * FIELDS; at += FIELDS) {
      if (Atomics.load(this.#table, at) !== low || Atomics.load(this.#table, at + 1) !== high) continue;
      const untilS = Atomics.load(this.#table, at + 3);
      // A wall clock that was set back must not make a minute longer.
      if (untilS > nowS && untilS <= nowS + ONE_MINUTE_S) return at;
    }
    return -1;
  }

  #leastOf(set: number): number {
    let least = set;
    for (let at = set; at < set + WAYS * FIELDS; at += FIELDS) {
      if (Atomics.load(this.#table, at + 3) < Atomics.load(this.#table, least + 3)) least = at;
    }
    return least;
  }
}

export function roomForFailedAuths(): SharedArrayBuffer {
  return new SharedArrayBuffer(SETS * WAYS * FIELDS * Int32Array.BYTES_PER_ELEMENT);
}
