/** Who waits for something that a client may hear. */
export class Watchers {
  readonly #watches = new Set<() => void>();

  /** Resolves true when `done` holds, false after `withinMs`. */
  until(done: () => boolean, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (result: boolean) => {
        clearTimeout(timer);
        this.#watches.delete(watch);
        resolve(result);
      };
      const timer = setTimeout(() => finish(done()), withinMs);
      const watch = () => {
        if (done()) finish(true);
      };
      this.#watches.add(watch);
      watch();
    });
  }

  /** Something has come: everybody looks again. */
  wake(): void {
    for (const watch of [...this.#watches]) watch();
  }
}
