import type { KeptMessage } from "./history.ts";

const FIRST_CAPACITY = 4;

/** For each message: when it came by the wall, in seconds, and by the monotonic clock, in ticks. */
const TIMES = 2;

/**
 * The last messages of one stream. A message costs its string, a slot of eight bytes and another of eight for its times:
 * there may be ten millions of them (bench: broker-memory).
 */
export class MessageRing {
  /** Offset of the newest message, also when it has expired; 0 before the first. */
  newest = 0;
  /** Offset of the oldest that is there; one past `newest` when none is. */
  oldest = 1;
  /** Where a message stands: its offset modulo the length. */
  #messages: (string | null)[] = [];
  #times = new Uint32Array(0);

  get size(): number {
    return this.newest - this.oldest + 1;
  }

  /** Adds a message; past `limit` the oldest gives way. */
  add(message: string, wallS: number, tick: number, limit: number): void {
    if (this.size === limit) this.oldest += 1;
    else if (this.size === this.#messages.length) this.#grow(limit);
    this.newest += 1;
    const slot = this.newest % this.#messages.length;
    this.#messages[slot] = message;
    this.#times[slot * TIMES] = wallS;
    this.#times[slot * TIMES + 1] = tick;
  }

  /** Lets go of what came before `tick`, and returns how many that were. */
  dropBefore(tick: number): number {
    const had = this.size;
    if (had === 0 || this.tickOf(this.oldest) >= tick) return 0;
    if (this.tickOf(this.newest) < tick) {
      this.#messages = [];
      this.#times = new Uint32Array(0);
      this.oldest = this.newest + 1;
      return had;
    }
    while (this.tickOf(this.oldest) < tick) {
      this.#messages[this.oldest % this.#messages.length] = null;
      this.oldest += 1;
    }
    return had - this.size;
  }

  /** When a message that is there came. */
  tickOf(offset: number): number {
    return this.#times[(offset % this.#messages.length) * TIMES + 1] ?? 0;
  }

  /** Messages from `offset` on that came at `sinceS` or later, oldest first. */
  from(offset: number, sinceS = 0): KeptMessage[] {
    const kept: KeptMessage[] = [];
    for (let at = Math.max(offset, this.oldest); at <= this.newest; at++) {
      const slot = at % this.#messages.length;
      if ((this.#times[slot * TIMES] ?? 0) < sinceS) continue;
      kept.push({ offset: at, message: this.#messages[slot] ?? "" });
    }
    return kept;
  }

  #grow(limit: number): void {
    const capacity = Math.min(limit, Math.max(FIRST_CAPACITY, this.#messages.length * 2));
    const messages = new Array<string | null>(capacity).fill(null);
    const times = new Uint32Array(capacity * TIMES);
    for (let offset = this.oldest; offset <= this.newest; offset++) {
      const from = offset % this.#messages.length;
      const to = offset % capacity;
      messages[to] = this.#messages[from] ?? null;
      times[to * TIMES] = this.#times[from * TIMES] ?? 0;
      times[to * TIMES + 1] = this.#times[from * TIMES + 1] ?? 0;
    }
    this.#messages = messages;
    this.#times = times;
  }
}
