import type { KeyRing } from "./keyring.ts";

/** Hears of a new ring when it is already in force. */
export type RingListener = (ring: KeyRing, generation: number) => void;

/**
 * The one place that says which ring is in force. A swap is a single assignment: a token that is being verified keeps
 * the ring it began with, the next one gets the new ring.
 */
export class RingHolder {
  #ring: KeyRing;
  #generation = 1;
  readonly #listeners = new Set<RingListener>();

  constructor(ring: KeyRing) {
    this.#ring = ring;
  }

  current(): KeyRing {
    return this.#ring;
  }

  /** Counts the rings, from 1 for the first. */
  get generation(): number {
    return this.#generation;
  }

  swap(ring: KeyRing): void {
    this.#ring = ring;
    this.#generation++;
    for (const listener of this.#listeners) listener(ring, this.#generation);
  }

  /** @returns takes the listener off again. */
  onSwap(listener: RingListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
