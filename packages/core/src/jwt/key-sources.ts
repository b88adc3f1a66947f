import { createKeyRing, type KeySpec } from "./keyring.ts";
import type { RingHolder } from "./ring-holder.ts";

/**
 * Keys by where they come from: options, files, each issuer's URL. A source that changes leaves the keys of the others
 * as they are, and puts a ring of all of them in force.
 */
export class KeySources {
  readonly #holder: RingHolder;
  #bySource: ReadonlyMap<string, readonly KeySpec[]> = new Map();

  /** @param holder where the rings go. */
  constructor(holder: RingHolder) {
    this.#holder = holder;
  }

  /**
   * Replaces the keys of one source.
   *
   * @throws CableError `config_invalid` when they make no ring; the old one then stays in force.
   */
  put(source: string, keys: readonly KeySpec[]): void {
    const bySource = new Map(this.#bySource).set(source, [...keys]);
    this.#holder.swap(createKeyRing(uniquelyNamed([...bySource.values()].flat())));
    this.#bySource = bySource;
  }
}

/** Metrics and logs tell keys apart by their names, and two sources may not know of each other's. */
function uniquelyNamed(keys: readonly KeySpec[]): readonly KeySpec[] {
  const taken = new Set<string>();
  return keys.map((key) => {
    let name = key.name;
    for (let n = 2; taken.has(name); n++) name = `${key.name}-${n}`;
    taken.add(name);
    return { ...key, name };
  });
}
