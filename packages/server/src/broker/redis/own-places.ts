/** Where a session of this server is: an id as JSON text, and what is said of it, empty for nothing. */
export interface OwnPlace {
  readonly id: string;
  readonly info: string;
}

/** Which sessions of this server are on which streams, to say so again to a Redis that does not know it any more. */
export class OwnPlaces {
  readonly #bySid = new Map<string, Map<string, OwnPlace>>();
  /** Stream -> how many sessions of this server are on it. */
  readonly #counts = new Map<string, number>();

  get sids(): Iterable<string> {
    return this.#bySid.keys();
  }

  get sessions(): number {
    return this.#bySid.size;
  }

  get streams(): number {
    return this.#counts.size;
  }

  has(sid: string): boolean {
    return this.#bySid.has(sid);
  }

  of(sid: string): Iterable<[stream: string, place: OwnPlace]> {
    return this.#bySid.get(sid) ?? [];
  }

  set(sid: string, stream: string, place: OwnPlace): void {
    let places = this.#bySid.get(sid);
    if (places === undefined) {
      places = new Map();
      this.#bySid.set(sid, places);
    }
    if (!places.has(stream)) this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
    places.set(stream, place);
  }

  delete(sid: string, stream: string): void {
    const places = this.#bySid.get(sid);
    if (places === undefined || !places.delete(stream)) return;
    this.#uncount(stream);
    if (places.size === 0) this.#bySid.delete(sid);
  }

  forget(sid: string): void {
    for (const stream of this.#bySid.get(sid)?.keys() ?? []) this.#uncount(stream);
    this.#bySid.delete(sid);
  }

  #uncount(stream: string): void {
    const count = (this.#counts.get(stream) ?? 0) - 1;
    if (count > 0) this.#counts.set(stream, count);
    else this.#counts.delete(stream);
  }
}
