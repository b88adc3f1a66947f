import type { Told } from "./client-task.ts";

/** Long enough for a busy machine; what is waited for comes in milliseconds, and Rails' client in seconds. */
const PATIENCE_MS = 30_000;

/** Everything that the clients of a task have told, and a way to wait for more. */
export class ToldLog {
  readonly told: Told[] = [];
  readonly #watchers = new Set<() => void>();
  #failure: string | null = null;

  add(told: Told): void {
    this.told.push(told);
    this.#wake();
  }

  /** There will be no more; whoever waits hears why. */
  fail(why: string): void {
    this.#failure = why;
    this.#wake();
  }

  /** Resolves with the first thing told after `from` that matches; rejects with the last things told instead. */
  async waitFor(matches: (told: Told) => boolean, from = 0): Promise<Told> {
    const find = () => this.told.slice(from).find(matches);
    await this.until(() => find() !== undefined);
    return find() as Told; // just waited for
  }

  until(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
        settle();
      };
      const fail = (why: string) =>
        finish(() => reject(new Error(`${why}; told last: ${JSON.stringify(this.told.slice(-20))}`)));
      const timer = setTimeout(() => fail(`not told within ${PATIENCE_MS} ms`), PATIENCE_MS);
      const watch = () => {
        if (done()) finish(resolve);
        else if (this.#failure !== null) fail(this.#failure);
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  #wake(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}
