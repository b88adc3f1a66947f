import type { Backlog, History, HistorySize, Position } from "../broker/history.ts";

/** A history behind a network: it does what it is asked in order, and its answers come in order, when a test says so. */
export class SlowHistory implements History {
  readonly publish = null;
  readonly #history: History;
  readonly #waiting: (() => void)[] = [];
  /** What the next append fails with. */
  failNext: Error | null = null;

  constructor(history: History) {
    this.#history = history;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  append(stream: string, message: string): Promise<Position | null> {
    const failure = this.failNext;
    this.failNext = null;
    if (failure !== null) return this.#later(() => Promise.reject(failure));
    return this.#later(() => this.#history.append(stream, message));
  }

  after(stream: string, position: Position): Promise<Backlog> {
    return this.#later(() => this.#history.after(stream, position));
  }

  since(stream: string, sinceS: number): Promise<Backlog> {
    return this.#later(() => this.#history.since(stream, sinceS));
  }

  head(stream: string): Promise<Position | null> {
    return this.#later(() => this.#history.head(stream));
  }

  size(): HistorySize {
    return this.#history.size();
  }

  /** Lets the oldest `count` answers that wait come. */
  answer(count = this.#waiting.length): void {
    for (const come of this.#waiting.splice(0, count)) come();
  }

  #later<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(work()));
    });
  }
}
