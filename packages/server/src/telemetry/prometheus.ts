import {
  isHistogram,
  isLabelled,
  isLabelledHistogram,
  METRICS,
  type MetricName,
} from "@hawser/core/metrics/catalog";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { Route } from "../drivers/http.ts";
import { createExposition, type ExposedMetric } from "../drivers/prom-client.ts";

const PREFIX = "anycable_go_";

/**
 * How the reference labels its answer. The format is the one that Prometheus assumes when no version is named.
 */
const HEADERS = { "Content-Type": "text/plain; charset=utf-8" } as const;

/**
 * Prints the metrics for Prometheus, under the reference's names.
 *
 * @param tags labels that every sample carries.
 * @returns prints the numbers as they stand at the call.
 * @throws CableError `config_invalid` for a tag that cannot be a label name.
 */
export function createMetricsRenderer(
  metrics: Metrics,
  tags: Readonly<Record<string, string>>,
): () => Promise<string> {
  return createExposition(
    metrics.names.map((name) => exposed(metrics, name)),
    tags,
  ).render;
}

function exposed(metrics: Metrics, name: MetricName): ExposedMetric {
  const shared = { name: PREFIX + name, help: METRICS[name].help };
  if (isLabelledHistogram(name)) {
    const histograms = metrics.labelledHistogram(name);
    return { ...shared, type: "histogram", labels: METRICS[name].labels, read: () => histograms.entries() };
  }
  if (isHistogram(name)) {
    const cell = metrics.histogram(name);
    return { ...shared, type: "histogram", labels: [], read: () => [{ labelValues: [], cell }] };
  }
  const { type } = METRICS[name];
  if (isLabelled(name)) {
    const cells = metrics.labelled(name);
    return { ...shared, type, labels: METRICS[name].labels, read: () => cells.samples() };
  }
  const number = metrics.number(name);
  return { ...shared, type, labels: [], read: () => [{ labelValues: [], value: number.value }] };
}

/**
 * The endpoint that Prometheus reads: any method, no authentication (anycable metrics/prometheus.go@1.6.16).
 *
 * @param refresh brings gauges up to date that are not kept as they change.
 * @throws CableError `config_invalid` for a tag that cannot be a label name.
 */
export function metricsEndpoint<T>(
  path: string,
  metrics: Metrics,
  tags: Readonly<Record<string, string>>,
  refresh: () => void | Promise<void>,
): Route<T> {
  const render = createMetricsRenderer(metrics, tags);
  return {
    paths: [path],
    pattern: null,
    handle: async () => {
      await refresh();
      return new Response(await render(), { headers: HEADERS });
    },
  };
}
