import type { Cancel, Clock } from "../clock.ts";

interface Timer {
  readonly id: number;
  dueMs: number;
  readonly everyMs: number | null;
  readonly run: () => void;
}

/** A clock that moves only when a test says so. */
export class ManualClock implements Clock {
  #wallMs: number;
  #elapsedMs = 0;
  #nextId = 1;
  readonly #timers = new Map<number, Timer>();

  /** @param startMs wall time at the start; by default 2026-11-23T09:58:39.564Z. */
  constructor(startMs = 1_795_427_919_564) {
    this.#wallMs = startMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.#schedule(delayMs, null, run);
  }

  every(intervalMs: number, run: () => void): Cancel {
    // An interval of 0 would never let `advance` return.
    const everyMs = Math.max(1, intervalMs);
    return this.#schedule(everyMs, everyMs, run);
  }

  /** How many timers wait; a test of clean-up expects 0. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /**
   * Moves both times forward and fires what becomes due on the way, in order of time and then of creation; what a
   * callback schedules inside the span fires in the same call.
   */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (let timer = this.#nextDue(endMs); timer !== null; timer = this.#nextDue(endMs)) {
      this.#moveTo(Math.max(timer.dueMs, this.#elapsedMs));
      if (timer.everyMs === null) this.#timers.delete(timer.id);
      else timer.dueMs += timer.everyMs;
      timer.run();
    }
    this.#moveTo(endMs);
  }

  /** Moves wall time alone, as a correction by NTP does; no timer fires. May be negative. */
  jumpWall(ms: number): void {
    this.#wallMs += ms;
  }

  #schedule(delayMs: number, everyMs: number | null, run: () => void): Cancel {
    const id = this.#nextId++;
    this.#timers.set(id, { id, dueMs: this.#elapsedMs + Math.max(0, delayMs), everyMs, run });
    return () => {
      this.#timers.delete(id);
    };
  }

  #nextDue(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers.values()) {
      if (timer.dueMs > endMs) continue;
      // A repeating timer keeps its place in the map, so equal times are told apart by id.
      if (next === null || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.id < next.id)) {
        next = timer;
      }
    }
    return next;
  }

  #moveTo(elapsedMs: number): void {
    this.#wallMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }
}
