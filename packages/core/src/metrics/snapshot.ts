import {
  isHistogram,
  isLabelled,
  isLabelledHistogram,
  type LabelledHistogramName,
  type LabelledName,
  type LabelValues,
  type MetricName,
} from "./catalog.ts";
import type { Histogram, Metrics } from "./registry.ts";

/** The metrics of one thread at one moment, as plain data that can be handed to another. */
export interface MetricsSnapshot {
  readonly numbers: readonly NumberRow[];
  readonly histograms: readonly HistogramRow[];
}

interface NumberRow {
  readonly name: MetricName;
  readonly labelValues: readonly string[];
  readonly value: number;
}

interface HistogramRow {
  readonly name: MetricName;
  readonly labelValues: readonly string[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** @param isWanted leaves out the metrics for which it is false. */
export function snapshotOf(metrics: Metrics, isWanted: (name: MetricName) => boolean): MetricsSnapshot {
  const numbers = [...metrics.samples()].filter(({ name }) => !isHistogram(name) && isWanted(name));
  const histograms = metrics.names.filter((name) => isHistogram(name) && isWanted(name));
  return { numbers, histograms: histograms.flatMap((name) => histogramRows(metrics, name)) };
}

function histogramRows(metrics: Metrics, name: MetricName): HistogramRow[] {
  const row = (labelValues: readonly string[], { counts, sum, count }: Histogram): HistogramRow => {
    return { name, labelValues, counts: [...counts], sum, count };
  };
  if (isLabelledHistogram(name)) {
    const entries = [...metrics.labelledHistogram(name).entries()];
    return entries.map(({ labelValues, cell }) => row(labelValues, cell));
  }
  return isHistogram(name) ? [row([], metrics.histogram(name))] : [];
}

/** Counters and histograms are added up, and so are gauges unless one of `greatest` is the greatest of all. */
export function addSnapshot(
  metrics: Metrics,
  snapshot: MetricsSnapshot,
  greatest: ReadonlySet<MetricName>,
): void {
  for (const { name, labelValues, value } of snapshot.numbers) {
    const cell = cellOf(metrics, name, labelValues);
    cell.value = greatest.has(name) ? Math.max(cell.value, value) : cell.value + value;
  }
  for (const { name, labelValues, counts, sum, count } of snapshot.histograms) {
    const histogram = histogramOf(metrics, name, labelValues);
    for (const [at, n] of counts.entries()) histogram.counts[at] = (histogram.counts[at] ?? 0) + n;
    histogram.sum += sum;
    histogram.count += count;
  }
}

/** Sets everything back to 0. */
export function clearMetrics(metrics: Metrics): void {
  for (const name of metrics.names) {
    if (isLabelled(name)) metrics.labelled(name).clear();
    else if (isLabelledHistogram(name)) metrics.labelledHistogram(name).clear();
    else if (isHistogram(name)) clearHistogram(metrics.histogram(name));
    else cellOf(metrics, name, []).value = 0;
  }
}

function clearHistogram(histogram: Histogram): void {
  histogram.counts.fill(0);
  histogram.sum = 0;
  histogram.count = 0;
}

function cellOf(metrics: Metrics, name: MetricName, labelValues: readonly string[]): { value: number } {
  // `as`: a snapshot is made from the same table.
  if (isLabelled(name)) return metrics.labelled(name).cell(labelValues as LabelValues<LabelledName>);
  if (isHistogram(name)) throw new Error(`${name} is a histogram`);
  return metrics.number(name);
}

function histogramOf(metrics: Metrics, name: MetricName, labelValues: readonly string[]): Histogram {
  if (isLabelledHistogram(name))
    return metrics.labelledHistogram(name).cell(labelValues as LabelValues<LabelledHistogramName>);
  if (!isHistogram(name)) throw new Error(`${name} is no histogram`);
  return metrics.histogram(name);
}
