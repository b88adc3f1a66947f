/**
 * Which streams are followed, and which changes of that the broker has not been told of. A storm of clients becomes few
 * messages to the broker, and a stream that is left and joined again within one of them none.
 */
export class StreamChanges {
  readonly #followed = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #told = new Set<string>();

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
    return this.#note(stream);
  }

  /** What to tell the broker now. */
  take(): { readonly begin: readonly string[]; readonly end: readonly string[] } {
    const begin: string[] = [];
    const end: string[] = [];
    for (const stream of this.#changed) {
      const isWanted = this.#followed.has(stream);
      if (isWanted === this.#told.has(stream)) continue;
      if (isWanted) {
        this.#told.add(stream);
        begin.push(stream);
      } else {
        this.#told.delete(stream);
        end.push(stream);
      }
    }
    this.#changed.clear();
    return { begin, end };
  }

  /** The broker knows nothing any more: all that is followed is to be told again. */
  forget(): void {
    this.#told.clear();
    for (const stream of this.#followed) this.#changed.add(stream);
  }

  #note(stream: string): boolean {
    const isFirst = this.#changed.size === 0;
    this.#changed.add(stream);
    return isFirst;
  }
}
