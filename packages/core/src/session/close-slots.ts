/** One second in which connections are to end. */
interface Second {
  taken: number;
  /** While it is full: the next earlier second that may have room. */
  earlier: number;
}

/** A place among those that end in one second: which, and how many were there before. */
export interface CloseSlot {
  readonly second: number;
  readonly place: number;
}

/**
 * Which connections end when, so that no more of them end in any second than others can bear: each of them comes back
 * and fetches a token first. A second that is full sends on to the one before it, and all who were sent from second to
 * second leave a short cut (as in a union-find), so that a place costs about the same however many are taken.
 */
export class CloseSlots {
  readonly #perS: number;
  readonly #seconds = new Map<number, Second>();

  constructor(perS: number) {
    this.#perS = perS;
  }

  /** A place in the latest second from `latest` back to `earliest` that has one; null where all are full. */
  takeBackFrom(latest: number, earliest: number): CloseSlot | null {
    const second = this.#withRoom(latest);
    return second < earliest ? null : this.take(second);
  }

  /** A place in this second, whether it is full or not. */
  take(second: number): CloseSlot {
    const row = this.#seconds.get(second) ?? { taken: 0, earlier: second - 1 };
    this.#seconds.set(second, row);
    row.taken += 1;
    return { second, place: row.taken - 1 };
  }

  /** Gives a place back. */
  free(second: number): void {
    const row = this.#seconds.get(second);
    if (row === undefined) return;
    row.taken -= 1;
    row.earlier = second - 1;
    if (row.taken === 0) this.#seconds.delete(second);
  }

  /** How many seconds have somebody in them. */
  get size(): number {
    return this.#seconds.size;
  }

  #withRoom(latest: number): number {
    let found = latest;
    for (let row = this.#full(found); row !== null; row = this.#full(found)) found = row.earlier;
    for (let at = latest; at !== found; ) {
      const row = this.#full(at);
      if (row === null) break;
      at = row.earlier;
      row.earlier = found;
    }
    return found;
  }

  #full(second: number): Second | null {
    const row = this.#seconds.get(second);
    return row !== undefined && row.taken >= this.#perS ? row : null;
  }
}
