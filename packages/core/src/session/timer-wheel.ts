/** Something with one deadline. The wheel owns the three `wheel*` fields. */
export interface Timed {
  /** On the monotonic clock, in milliseconds. */
  dueAtMs: number;
  wheelSlot: number;
  wheelNext: Timed | null;
  wheelPrevious: Timed | null;
}

const SLOTS = 512;
/** One list more, for the items being fired. */
const FIRING = SLOTS;
/** How late a deadline may be noticed. */
export const TICK_MS = 50;

/**
 * One timer for all sessions: a ring of lists, one list a tick. Setting and clearing a deadline is constant time and
 * allocates nothing; a timer a session would cost 300 bytes each. Deadlines beyond the ring wait another round.
 */
export class TimerWheel<T extends Timed> {
  readonly #slots: (Timed | null)[] = new Array<Timed | null>(SLOTS + 1).fill(null);
  readonly #onDue: (item: T, nowMs: number) => void;
  #tick: number;

  constructor(nowMs: number, onDue: (item: T, nowMs: number) => void) {
    this.#tick = Math.floor(nowMs / TICK_MS);
    this.#onDue = onDue;
  }

  /** Sets or moves the item's deadline. */
  schedule(item: T, dueAtMs: number): void {
    this.cancel(item);
    item.dueAtMs = dueAtMs;
    const tick = Math.max(Math.ceil(dueAtMs / TICK_MS), this.#tick + 1);
    this.#link(item, tick % SLOTS);
  }

  cancel(item: T): void {
    if (item.wheelSlot >= 0) this.#unlink(item);
  }

  /** Calls `onDue` for every item whose deadline has passed; to be called about every `TICK_MS`. */
  advance(nowMs: number): void {
    const until = Math.floor(nowMs / TICK_MS);
    // After a long stall every slot has to be looked at once, not once for each missed round.
    if (until - this.#tick > SLOTS) this.#tick = until - SLOTS;
    while (this.#tick < until) {
      this.#tick += 1;
      this.#fire(this.#tick % SLOTS, nowMs);
    }
  }

  /**
   * The list is moved aside first, so that what `onDue` cancels or schedules meanwhile cannot disturb the walk. What is
   * left there by an `onDue` that threw fires with the next list.
   */
  #fire(slot: number, nowMs: number): void {
    for (let item = this.#slots[slot]; item; item = this.#slots[slot]) {
      this.#unlink(item);
      this.#link(item, FIRING);
    }
    for (let head = this.#slots[FIRING]; head; head = this.#slots[FIRING]) {
      const item = head as T; // only `schedule` fills the slots
      this.#unlink(item);
      if (item.dueAtMs > nowMs) this.#link(item, slot);
      else this.#onDue(item, nowMs);
    }
  }

  #unlink(item: Timed): void {
    const { wheelNext: next, wheelPrevious: previous } = item;
    if (previous === null) this.#slots[item.wheelSlot] = next;
    else previous.wheelNext = next;
    if (next !== null) next.wheelPrevious = previous;
    item.wheelSlot = -1;
    item.wheelNext = null;
    item.wheelPrevious = null;
  }

  #link(item: Timed, slot: number): void {
    const head = this.#slots[slot] ?? null;
    item.wheelSlot = slot;
    item.wheelPrevious = null;
    item.wheelNext = head;
    if (head !== null) head.wheelPrevious = item;
    this.#slots[slot] = item;
  }
}
