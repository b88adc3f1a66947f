import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  isHistogram,
  isLabelled,
  isLabelledHistogram,
  type LabelledHistogramName,
  type LabelledName,
  type LabelValues,
  METRICS,
  type MetricGroup,
  type MetricName,
  metricNames,
} from "./catalog.ts";
import { type LabelSet, LabelSets } from "./label-sets.ts";

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

/** A number a label set, of a counter or a gauge; the number of sets is bounded by the metric's row. */
export class LabelledCells<N extends LabelledName> {
  readonly name: N;
  readonly #sets: LabelSets<Counter>;

  constructor(name: N, maxSets: number = METRICS[name].maxSets) {
    this.name = name;
    this.#sets = new LabelSets(METRICS[name].labels.length, maxSets, () => new Counter());
  }

  add(labelValues: LabelValues<N>, n = 1): void {
    this.cell(labelValues).value += n;
  }

  /** Forgets every label set: for gauges that are filled anew each time they are read. */
  clear(): void {
    this.#sets.clear();
  }

  /** The number behind one label set, for callers that add to it often, or set it. */
  cell(labelValues: LabelValues<N>): Counter {
    return this.#sets.cell(labelValues);
  }

  /** Every label set seen so far; those past the bound as one whose labels all say `other`. */
  *samples(): IterableIterator<Sample> {
    for (const { labelValues, cell } of this.#sets.entries()) {
      yield { name: this.name, labelValues, value: cell.value };
    }
  }
}

/** How often something was how large. */
export class Histogram {
  /** Upper ends, ascending. */
  readonly buckets: readonly number[];
  /** Observations by bucket, not cumulative; the last is for those above all ends. */
  readonly counts: Float64Array;
  /** Of the finite ones. */
  sum = 0;
  count = 0;

  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
    this.counts = new Float64Array(buckets.length + 1);
  }

  observe(value: number): void {
    const { buckets, counts } = this;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] ?? 0)) at++;
    counts[at] = (counts[at] ?? 0) + 1;
    this.count += 1;
    // One infinite observation would make every later sum and average infinite.
    if (Number.isFinite(value)) this.sum += value;
  }
}

/** A histogram a label set. */
export class LabelledHistogram<N extends LabelledHistogramName> {
  readonly #sets: LabelSets<Histogram>;

  constructor(name: N) {
    const { labels, maxSets, buckets } = METRICS[name];
    this.#sets = new LabelSets(labels.length, maxSets, () => new Histogram(buckets));
  }

  observe(labelValues: LabelValues<N>, value: number): void {
    this.cell(labelValues).observe(value);
  }

  cell(labelValues: LabelValues<N>): Histogram {
    return this.#sets.cell(labelValues);
  }

  clear(): void {
    this.#sets.clear();
  }

  /** As of other metrics with labels. */
  entries(): IterableIterator<LabelSet<Histogram>> {
    return this.#sets.entries();
  }
}

/** The numbers of this process. They are plain fields: exporters read them when asked, and nobody pushes. */
export interface Metrics {
  /** The names that this server shows, in the order of the table. Others may be written, and are not seen. */
  readonly names: readonly MetricName[];
  counter(name: CounterName): Counter;
  gauge(name: GaugeName): Gauge;
  labelled<N extends LabelledName>(name: N): LabelledCells<N>;
  histogram(name: HistogramName): Histogram;
  labelledHistogram<N extends LabelledHistogramName>(name: N): LabelledHistogram<N>;
  /** A counter or a gauge, for who does not mind which. */
  number(name: CounterName | GaugeName): { value: number };
  /** Every number of `names` as it stands now; of a histogram the number of its observations. */
  samples(): IterableIterator<Sample>;
}

type Cell =
  | Counter
  | Gauge
  | Histogram
  | LabelledCells<LabelledName>
  | LabelledHistogram<LabelledHistogramName>;

function newCell(name: MetricName): Cell {
  if (isLabelled(name)) return new LabelledCells(name);
  if (isLabelledHistogram(name)) return new LabelledHistogram(name);
  if (isHistogram(name)) return new Histogram(METRICS[name].buckets);
  return METRICS[name].type === "counter" ? new Counter() : new Gauge();
}

const ALL_GROUPS: readonly MetricGroup[] = ["node", "rpc", "grpc", "sse", "threads", "cluster"];

/**
 * A fresh set of metrics, all at 0.
 *
 * @param groups what the server shows: `["node"]` without a backend, all of them with gRPC.
 */
export function createMetrics(groups: readonly MetricGroup[] = ALL_GROUPS): Metrics {
  const cells = new Map<MetricName, Cell>();
  const names: MetricName[] = [];
  for (const name of metricNames()) {
    cells.set(name, newCell(name));
    if (groups.includes(METRICS[name].group)) names.push(name);
  }

  function cell(name: MetricName): Cell {
    const found = cells.get(name);
    if (found === undefined) throw new Error(`no metric is named ${name}: add a row to METRICS`);
    return found;
  }

  function* samples(): IterableIterator<Sample> {
    for (const name of names) {
      const found = cell(name);
      if (found instanceof LabelledCells) yield* found.samples();
      else if (found instanceof LabelledHistogram) yield* countsOf(name, found);
      else if (found instanceof Histogram) yield { name, labelValues: [], value: found.count };
      else yield { name, labelValues: [], value: found.value };
    }
  }

  // `as` below: the loop above made each cell from the same row that the name's type is computed from.
  return {
    names,
    counter: (name) => cell(name) as Counter,
    gauge: (name) => cell(name) as Gauge,
    number: (name) => cell(name) as Counter | Gauge,
    histogram: (name) => cell(name) as Histogram,
    labelledHistogram: <N extends LabelledHistogramName>(name: N) =>
      cell(name) as unknown as LabelledHistogram<N>,
    labelled: <N extends LabelledName>(name: N) => cell(name) as unknown as LabelledCells<N>,
    samples,
  };
}

function* countsOf(
  name: MetricName,
  histograms: LabelledHistogram<LabelledHistogramName>,
): IterableIterator<Sample> {
  for (const { labelValues, cell } of histograms.entries()) yield { name, labelValues, value: cell.count };
}
