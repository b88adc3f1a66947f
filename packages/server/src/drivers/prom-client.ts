import { CableError } from "@hawser/core/errors";
import type { Metric, Registry } from "prom-client";

/** A metric as Prometheus gets it. */
export type ExposedMetric = ExposedNumbers | ExposedHistogram;

export interface ExposedNumbers {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  /** The numbers as they stand now; `labelValues` in the order of `labels`. */
  read(): Iterable<{ readonly labelValues: readonly string[]; readonly value: number }>;
}

export interface ExposedHistogram {
  readonly name: string;
  readonly type: "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Each label set as it stands now. */
  read(): Iterable<{ readonly labelValues: readonly string[]; readonly cell: ExposedBuckets }>;
}

export interface ExposedBuckets {
  readonly buckets: readonly number[];
  /** By bucket, not cumulative, the last for what is above every end. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  readonly count: number;
}

export interface Exposition {
  /** The text format, its numbers read while it is made. */
  render(): Promise<string>;
}

/** Prometheus data model: a label name; two leading underscores are for its own use. */
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Prints metrics in the text format 0.0.4.
 *
 * @param tags labels that every sample carries.
 * @throws CableError `config_invalid` for a tag that cannot be a label name.
 */
export function createExposition(
  metrics: readonly ExposedMetric[],
  tags: Readonly<Record<string, string>>,
): Exposition {
  for (const name of Object.keys(tags)) {
    if (LABEL_NAME.test(name)) continue;
    throw new CableError(
      "config_invalid",
      `cannot put the tag ${JSON.stringify(name)} of --metrics_tags on metrics: ` +
        "a label name has letters, digits and underscores and begins with no digit; write tags like env:dev,rev:1",
    );
  }
  // Loading the library takes 30 ms, so a server without the endpoint never does, and one with it does not wait.
  const registry = fill(metrics, tags);
  return { render: async () => (await registry).metrics() };
}

async function fill(
  metrics: readonly ExposedMetric[],
  tags: Readonly<Record<string, string>>,
): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  registry.setDefaultLabels({ ...tags });
  for (const metric of metrics) {
    if (metric.type === "histogram") {
      registry.registerMetric(histogramOf(metric));
      continue;
    }
    const { name, help, labels, type } = metric;
    const options = { name, help, labelNames: labels, registers: [registry] };
    if (type === "gauge") {
      const gauge = new Gauge({
        ...options,
        collect: () => {
          gauge.reset();
          for (const sample of metric.read()) gauge.set(labelsOf(metric, sample.labelValues), sample.value);
        },
      });
    } else {
      const counter = new Counter({
        ...options,
        collect: () => {
          counter.reset();
          for (const sample of metric.read()) counter.inc(labelsOf(metric, sample.labelValues), sample.value);
        },
      });
    }
  }
  return registry;
}

/** The library's own histogram counts for itself and cannot be told what was counted. */
function histogramOf(metric: ExposedHistogram): Metric {
  const { name, help } = metric;
  const get = async () => {
    const values = [...metric.read()].flatMap(({ labelValues, cell }) =>
      bucketValues(name, labelsOf(metric, labelValues), cell),
    );
    return { name, help, type: "histogram", aggregator: "sum", values };
  };
  // All that a registry asks of a metric is its name and `get`; the types name the library's own classes.
  return { name, get } as unknown as Metric;
}

function bucketValues(name: string, labels: Record<string, string>, cell: ExposedBuckets) {
  const { buckets, counts, sum, count } = cell;
  let below = 0;
  const values = buckets.map((end, at) => {
    below += counts[at] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(end) }, value: below };
  });
  return [
    ...values,
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

function labelsOf(metric: ExposedMetric, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(metric.labels.map((label, i) => [label, values[i] ?? ""]));
}
