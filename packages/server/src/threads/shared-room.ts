/** How many sessions all connection threads have together, and whether there is room for one more. */
export class SharedRoom {
  readonly #counts: Int32Array;
  readonly #own: number;

  /** @param buffer of `roomFor`; @param own the number of this thread, from 0. */
  constructor(buffer: SharedArrayBuffer, own: number) {
    this.#counts = new Int32Array(buffer);
    this.#own = own;
  }

  /** Keeps the own number up to date for the others; to be called often. */
  update(sessions: number): void {
    Atomics.store(this.#counts, this.#own, sessions);
  }

  /** Whether one more may come to those that this thread has: it is counted before the others are looked at, so that two cannot take one place. */
  hasRoom(sessions: number, limit: number): boolean {
    this.update(sessions + 1);
    let all = 0;
    for (let i = 0; i < this.#counts.length; i++) all += Atomics.load(this.#counts, i);
    if (all <= limit) return true;
    this.update(sessions);
    return false;
  }
}

export function roomFor(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * Int32Array.BYTES_PER_ELEMENT);
}
