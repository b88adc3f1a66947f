/**
 * Questions to a store that many ask at the same moment. For each key one is under way, and one waits that begins after all
 * who wait for it have asked: so what anybody is answered was so after it asked.
 */
export class SharedLooks<T> {
  readonly #underWay = new Map<string, Promise<T>>();
  readonly #waiting = new Map<string, Promise<T>>();

  ask(key: string, look: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(key);
    if (before === undefined) return this.#begin(key, look);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const begin = () => {
      this.#waiting.delete(key);
      return this.#begin(key, look);
    };
    const next = before.then(begin, begin);
    this.#waiting.set(key, next);
    return next;
  }

  /** For what never changes: the one that is under way does as well. */
  join(key: string, look: () => Promise<T>): Promise<T> {
    return this.#underWay.get(key) ?? this.#begin(key, look);
  }

  #begin(key: string, look: () => Promise<T>): Promise<T> {
    const asked = look();
    this.#underWay.set(key, asked);
    const done = () => {
      if (this.#underWay.get(key) === asked) this.#underWay.delete(key);
    };
    asked.then(done, done);
    return asked;
  }
}
