import { CableError } from "@hawser/core/errors";
import type { Registry } from "prom-client";

/** A metric as Prometheus gets it. */
export interface ExposedMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  /** The numbers as they stand now; `labelValues` in the order of `labels`. */
  read(): Iterable<{ readonly labelValues: readonly string[]; readonly value: number }>;
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

function labelsOf(metric: ExposedMetric, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(metric.labels.map((label, i) => [label, values[i] ?? ""]));
}
