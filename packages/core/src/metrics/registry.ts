import {
  type CounterName,
  type GaugeName,
  isLabelled,
  type LabelledName,
  type LabelValues,
  METRICS,
  type MetricGroup,
  type MetricName,
  metricNames,
} from "./catalog.ts";

/** A number that only grows. The hot path may write `counter.value += n`. */
export class Counter {
  value = 0;

  add(n = 1): void {
    this.value += n;
  }
}

/** A number that goes up and down. */
export class Gauge {
  value = 0;

  set(n: number): void {
    this.value = n;
  }
}

/** One number as exporters see it; `labelValues` matches the `labels` of the metric's row, or is empty. */
export interface Sample {
  readonly name: MetricName;
  readonly labelValues: readonly string[];
  readonly value: number;
}

/** A counter a label set; the number of sets is bounded by the metric's row. */
export class LabelledCounter<N extends LabelledName> {
  readonly name: N;
  readonly #maxSets: number;
  readonly #cells = new Map<string, { readonly labelValues: readonly string[]; readonly counter: Counter }>();
  #overflow: Counter | null = null;

  constructor(name: N, maxSets: number = METRICS[name].maxSets) {
    this.name = name;
    this.#maxSets = maxSets;
  }

  add(labelValues: LabelValues<N>, n = 1): void {
    this.cell(labelValues).value += n;
  }

  /** The counter behind one label set, for callers that add to it often. */
  cell(labelValues: LabelValues<N>): Counter {
    const values: readonly string[] = labelValues;
    const key = values.join("\u0000");
    const known = this.#cells.get(key);
    if (known !== undefined) return known.counter;
    // The last place is kept for everything that finds no place of its own.
    if (this.#cells.size >= this.#maxSets - 1) {
      this.#overflow ??= new Counter();
      return this.#overflow;
    }
    const counter = new Counter();
    this.#cells.set(key, { labelValues: [...values], counter });
    return counter;
  }

  /** Every label set seen so far; those past the bound as one whose labels all say `other`. */
  *samples(): IterableIterator<Sample> {
    for (const { labelValues, counter } of this.#cells.values()) {
      yield { name: this.name, labelValues, value: counter.value };
    }
    if (this.#overflow !== null) {
      const labelValues = METRICS[this.name].labels.map(() => "other");
      yield { name: this.name, labelValues, value: this.#overflow.value };
    }
  }
}

/** The numbers of this process. They are plain fields: exporters read them when asked, and nobody pushes. */
export interface Metrics {
  /** The names that this server shows, in the order of the table. Others may be written, and are not seen. */
  readonly names: readonly MetricName[];
  counter(name: CounterName): Counter;
  gauge(name: GaugeName): Gauge;
  labelled<N extends LabelledName>(name: N): LabelledCounter<N>;
  /** A counter or a gauge, for who only reads it. */
  number(name: CounterName | GaugeName): { readonly value: number };
  /** Every number of `names` as it stands now. */
  samples(): IterableIterator<Sample>;
}

const ALL_GROUPS: readonly MetricGroup[] = ["node", "rpc", "grpc"];

/**
 * A fresh set of metrics, all at 0.
 *
 * @param groups what the server shows: `["node"]` without a backend, all of them with gRPC.
 */
export function createMetrics(groups: readonly MetricGroup[] = ALL_GROUPS): Metrics {
  const cells = new Map<MetricName, Counter | Gauge | LabelledCounter<LabelledName>>();
  const names: MetricName[] = [];
  for (const name of metricNames()) {
    if (isLabelled(name)) cells.set(name, new LabelledCounter(name));
    else cells.set(name, METRICS[name].type === "counter" ? new Counter() : new Gauge());
    if (groups.includes(METRICS[name].group)) names.push(name);
  }

  function cell(name: MetricName): Counter | Gauge | LabelledCounter<LabelledName> {
    const found = cells.get(name);
    if (found === undefined) throw new Error(`no metric is named ${name}: add a row to METRICS`);
    return found;
  }

  function* samples(): IterableIterator<Sample> {
    for (const name of names) {
      const found = cell(name);
      if (found instanceof LabelledCounter) yield* found.samples();
      else yield { name, labelValues: [], value: found.value };
    }
  }

  // `as` below: the loop above made each cell from the same row that the name's type is computed from.
  return {
    names,
    counter: (name) => cell(name) as Counter,
    gauge: (name) => cell(name) as Gauge,
    number: (name) => cell(name) as Counter | Gauge,
    labelled: <N extends LabelledName>(name: N) => cell(name) as unknown as LabelledCounter<N>,
    samples,
  };
}
