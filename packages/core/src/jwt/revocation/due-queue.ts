/** Something that ends. The time may move on while it waits, and never back. */
export interface Ending {
  untilMs: number;
}

/**
 * What ends next, first: a binary heap. Adding and taking cost the logarithm of how much there is. What was put off is
 * looked at when it was to end before, and then waits for its new time.
 */
export class DueQueue<T extends Ending> {
  readonly #heap: T[] = [];
  /** When each was to end when it was put in its place; the heap is in the order of these. */
  readonly #dueMs: number[] = [];

  get size(): number {
    return this.#heap.length;
  }

  push(item: T): void {
    this.#heap.push(item);
    this.#dueMs.push(item.untilMs);
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#due(parent) <= this.#due(at)) break;
      this.#swap(parent, at);
      at = parent;
    }
  }

  /**
   * One look at the front.
   *
   * @returns what has ended, `put off` when the front has not after all, or null when nothing is due.
   */
  take(nowMs: number): T | "put off" | null {
    const [front] = this.#heap;
    if (front === undefined || this.#due(0) > nowMs) return null;
    this.#removeFront();
    if (front.untilMs <= nowMs) return front;
    this.push(front);
    return "put off";
  }

  #removeFront(): void {
    const last = this.#heap.length - 1;
    this.#swap(0, last);
    this.#heap.pop();
    this.#dueMs.pop();
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const right = left + 1;
      const child = right < last && this.#due(right) < this.#due(left) ? right : left;
      if (child >= last || this.#due(at) <= this.#due(child)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #due(at: number): number {
    return this.#dueMs[at] ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    swapIn(this.#heap, a, b);
    swapIn(this.#dueMs, a, b);
  }
}

function swapIn<V>(list: V[], a: number, b: number): void {
  const held = list[a] as V; // both are places of the list
  list[a] = list[b] as V;
  list[b] = held;
}
