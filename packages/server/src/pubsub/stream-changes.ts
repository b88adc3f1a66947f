/** Of a stream that the broker was told of and has confirmed, in place of the number of the telling. */
const CONFIRMED = 0;

interface Waiter {
  readonly confirmed: Promise<void>;
  readonly resolve: () => void;
}

/**
 * Which streams are followed, and which changes of that the broker has not been told of. A storm of clients becomes few
 * messages to the broker, and a stream that is left and joined again within one of them none.
 */
export class StreamChanges {
  readonly #followed = new Set<string>();
  readonly #changed = new Set<string>();
  /** By stream the number of the telling, until the broker has confirmed it. */
  readonly #told = new Map<string, number>();
  #tellings = 0;
  readonly #waiters = new Map<string, Waiter>();

  /** Whether there is something to tell the broker. */
  get areChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** True when this is the first change since the last `take`. */
  follow(stream: string): boolean {
    this.#followed.add(stream);
    return this.#note(stream);
  }

  unfollow(stream: string): boolean {
    this.#followed.delete(stream);
    if (this.#waiters.size > 0) this.#release(stream);
    return this.#note(stream);
  }

  /** Resolves once the broker has confirmed that the stream is followed; null when it has. */
  following(stream: string): Promise<void> | null {
    if (this.#told.get(stream) === CONFIRMED) return null;
    const known = this.#waiters.get(stream);
    if (known !== undefined) return known.confirmed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.set(stream, { confirmed: promise, resolve });
    return promise;
  }

  /** What to tell the broker now. */
  take(): { readonly begin: readonly string[]; readonly end: readonly string[]; readonly telling: number } {
    const begin: string[] = [];
    const end: string[] = [];
    this.#tellings += 1;
    for (const stream of this.#changed) {
      const isWanted = this.#followed.has(stream);
      if (isWanted === this.#told.has(stream)) continue;
      if (isWanted) {
        this.#told.set(stream, this.#tellings);
        begin.push(stream);
      } else {
        this.#told.delete(stream);
        end.push(stream);
      }
    }
    this.#changed.clear();
    return { begin, end, telling: this.#tellings };
  }

  /** The broker has confirmed these of a telling; those that were left meanwhile, or told anew, it has not. */
  confirmed(streams: readonly string[], telling: number): void {
    for (const stream of streams) {
      if (this.#told.get(stream) !== telling) continue;
      this.#told.set(stream, CONFIRMED);
      this.#release(stream);
    }
  }

  /** The broker knows nothing any more: all that is followed is to be told again. Nobody waits for that. */
  forget(): void {
    this.#told.clear();
    for (const stream of this.#followed) this.#changed.add(stream);
    for (const stream of [...this.#waiters.keys()]) this.#release(stream);
  }

  #release(stream: string): void {
    this.#waiters.get(stream)?.resolve();
    this.#waiters.delete(stream);
  }

  #note(stream: string): boolean {
    const isFirst = this.#changed.size === 0;
    this.#changed.add(stream);
    return isFirst;
  }
}
