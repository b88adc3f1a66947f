/** Gets the slot it waited for. Called while another call gives its slot back. */
export interface SlotWaiter {
  granted(): void;
}

/** How many calls may be under way at once; the others wait, first come first served. */
export class CallSlots {
  readonly #capacity: number;
  /** In order of arrival, and cheap to leave from the middle. */
  readonly #waiting = new Set<SlotWaiter>();
  #taken = 0;
  #granting = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Calls that wait. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Takes a slot, or returns false. */
  tryTake(): boolean {
    if (this.#taken >= this.#capacity) return false;
    this.#taken += 1;
    return true;
  }

  wait(waiter: SlotWaiter): void {
    this.#waiting.add(waiter);
  }

  leave(waiter: SlotWaiter): void {
    this.#waiting.delete(waiter);
  }

  /**
   * Gives a slot back, to whoever has waited longest. A call that ends as soon as it is granted comes back here: the
   * outer turn goes on with the next one, so that thousands of them do not pile up on the stack.
   */
  release(): void {
    this.#taken -= 1;
    if (this.#granting) return;
    this.#granting = true;
    try {
      for (const next of this.#waiting) {
        if (!this.tryTake()) return;
        this.#waiting.delete(next);
        next.granted();
      }
    } finally {
      this.#granting = false;
    }
  }
}
