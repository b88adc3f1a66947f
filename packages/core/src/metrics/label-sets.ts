/** What one combination of label values has. */
export interface LabelSet<T> {
  readonly labelValues: readonly string[];
  readonly cell: T;
}

/** A cell for each combination of label values, to a number: past it all further ones share one, `other`. */
export class LabelSets<T> {
  readonly #labels: number;
  readonly #maxSets: number;
  readonly #make: () => T;
  readonly #cells = new Map<string, LabelSet<T>>();
  #overflow: T | null = null;

  constructor(labels: number, maxSets: number, make: () => T) {
    this.#labels = labels;
    this.#maxSets = maxSets;
    this.#make = make;
  }

  cell(values: readonly string[]): T {
    const key = values.join("\u0000");
    const known = this.#cells.get(key);
    if (known !== undefined) return known.cell;
    // The last place is kept for everything that finds no place of its own.
    if (this.#cells.size >= this.#maxSets - 1) {
      this.#overflow ??= this.#make();
      return this.#overflow;
    }
    const cell = this.#make();
    this.#cells.set(key, { labelValues: [...values], cell });
    return cell;
  }

  clear(): void {
    this.#cells.clear();
    this.#overflow = null;
  }

  /** Every set seen so far; those past the bound as one whose labels all say `other`. */
  *entries(): IterableIterator<LabelSet<T>> {
    yield* this.#cells.values();
    if (this.#overflow !== null) {
      yield { labelValues: Array.from({ length: this.#labels }, () => "other"), cell: this.#overflow };
    }
  }
}
