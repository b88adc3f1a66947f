import { lookUp } from "./addresses.ts";
import type { GrpcAddress, GrpcSource } from "./channel.ts";

export interface NameWatchOptions {
  readonly source: GrpcSource & { readonly kind: "name" };
  /** Least time between two look-ups of a name that has been found. */
  readonly intervalMs: number;
  /** Between a look-up that failed and the next, while the name was never found; it grows. */
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
}

export interface NameWatchOwner {
  found(addresses: readonly GrpcAddress[]): void;
  notFound(reason: string): void;
}

const RETRY_GROWTH = 1.6;

/** Looks a name up: until it is found once, and after that when asked, but not too often. */
export class NameWatch {
  readonly #options: NameWatchOptions;
  readonly #owner: NameWatchOwner;
  #asking = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #foundOnce = false;
  #retryMs: number;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: NameWatchOptions, owner: NameWatchOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#retryMs = options.minRetryMs;
  }

  /** Looks it up, now or as soon as the last look-up is old enough. */
  refresh(): void {
    if (this.#asking || this.#timer !== null || this.#closed) return;
    this.#askAfter(this.#askedAtMs + this.#options.intervalMs - performance.now());
  }

  /** Ends the wait after a failed look-up. */
  retryNow(): void {
    this.#retryMs = this.#options.minRetryMs;
    if (this.#timer !== null && !this.#foundOnce) this.#askAfter(0);
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }

  #askAfter(delayMs: number): void {
    this.#stopTimer();
    if (delayMs <= 0) {
      this.#ask();
      return;
    }
    this.#timer = setTimeout(() => this.#ask(), delayMs);
    this.#timer.unref();
  }

  #ask(): void {
    this.#timer = null;
    this.#asking = true;
    this.#askedAtMs = performance.now();
    lookUp(this.#options.source).then(
      (addresses) => this.#found(addresses),
      (error: Error) => this.#failed(error),
    );
  }

  #found(addresses: readonly GrpcAddress[]): void {
    this.#asking = false;
    if (this.#closed) return;
    this.#foundOnce = true;
    this.#owner.found(addresses);
  }

  #failed(error: Error): void {
    this.#asking = false;
    // The addresses that it had stay as they are.
    if (this.#closed || this.#foundOnce) return;
    this.#askAfter(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * RETRY_GROWTH, this.#options.maxRetryMs);
    this.#owner.notFound(`the name cannot be resolved: ${error.message}`);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
