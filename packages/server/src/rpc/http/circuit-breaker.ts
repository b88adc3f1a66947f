import type { Clock } from "@hawser/core/clock";

/** Told when calls are let through no more, and when they are again. */
export interface CircuitWatcher {
  opened(): void;
  closed(): void;
}

/** anycable rpc/http.go@1.6.16: sony/gobreaker with these settings. */
const WINDOW_MS = 10_000;
const LEAST_CALLS = 10;
const FAILED_SHARE = 0.8;
const OPEN_MS = 5_000;
const TRIALS = 5;

/**
 * Keeps calls from an application that cannot be reached, so that each costs its client no time and the application no
 * storm when it comes back: when most of the calls of a window failed, none is made for a while; then a few are tried.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #watcher: CircuitWatcher;
  #state: "closed" | "open" | "trying" = "closed";
  /** When the state, or the window, ends. */
  #untilMs: number;
  #calls = 0;
  #failures = 0;
  #successes = 0;
  /** Calls that started before it belong to another state and count for nothing. */
  #generation = 0;

  constructor(clock: Clock, watcher: CircuitWatcher) {
    this.#clock = clock;
    this.#watcher = watcher;
    this.#untilMs = clock.monotonicMs() + WINDOW_MS;
  }

  /** Whether a call may be made now. */
  allows(): boolean {
    this.#look();
    return this.#state === "closed" || (this.#state === "trying" && this.#calls < TRIALS);
  }

  /** A call is made. @returns what its end has to be reported with. */
  begin(): number {
    this.#calls += 1;
    return this.#generation;
  }

  succeeded(begun: number): void {
    if (!this.#counts(begun)) return;
    this.#successes += 1;
    if (this.#state === "trying" && this.#successes >= TRIALS) {
      this.#enter("closed", WINDOW_MS);
      this.#watcher.closed();
    }
  }

  failed(begun: number): void {
    if (!this.#counts(begun)) return;
    this.#failures += 1;
    const many = this.#calls >= LEAST_CALLS && this.#failures / this.#calls >= FAILED_SHARE;
    if (this.#state === "trying" || many) {
      this.#enter("open", OPEN_MS);
      this.#watcher.opened();
    }
  }

  /** Its client has gone, which says nothing of the application. The reference takes it for a failure. */
  abandoned(begun: number): void {
    if (this.#counts(begun)) this.#calls -= 1;
  }

  #counts(begun: number): boolean {
    this.#look();
    return begun === this.#generation && this.#state !== "open";
  }

  /** What time alone has changed. */
  #look(): void {
    if (this.#state === "trying" || this.#clock.monotonicMs() < this.#untilMs) return;
    if (this.#state === "open") this.#enter("trying", 0);
    else this.#enter("closed", WINDOW_MS);
  }

  #enter(state: "closed" | "open" | "trying", forMs: number): void {
    this.#state = state;
    this.#untilMs = this.#clock.monotonicMs() + forMs;
    this.#generation += 1;
    this.#calls = 0;
    this.#failures = 0;
    this.#successes = 0;
  }
}
