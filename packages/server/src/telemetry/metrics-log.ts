import type { Cancel, Clock } from "@hawser/core/clock";
import type { Log, LogFields } from "@hawser/core/log";
import { isLabelled, METRICS, type MetricName } from "@hawser/core/metrics/catalog";
import type { Metrics } from "@hawser/core/metrics/registry";

export interface MetricsLogOptions {
  readonly metrics: Metrics;
  /** Brings them up to date. */
  readonly refresh: () => void | Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
  /** Names of the metrics to write, without prefix; empty for all. */
  readonly filter: readonly string[];
}

/**
 * Writes the metrics to the log at every interval: a line without a message, one field a metric in the order of names,
 * counters as what was added since the last line and gauges as they are (anycable metrics/printer.go@1.6.16). A
 * labelled counter is the sum over its labels, a histogram the number of its observations; labelled gauges are left out,
 * as their sum says nothing.
 *
 * @returns stops it.
 */
export function startMetricsLog(options: MetricsLogOptions): Cancel {
  const { metrics, refresh, clock, log, intervalMs, filter } = options;
  const names = chosenNames(metrics, filter);
  const fields: LogFields = { interval: intervalMs / 1_000 };
  log.info("log metrics", filter.length === 0 ? fields : { ...fields, fields: filter.join(",") });
  const unknown = filter.filter((name) => !metrics.names.some((known) => known === name));
  if (unknown.length > 0) {
    log.warn(`metrics_log_filter names metrics that this server does not have: ${unknown.join(", ")}`);
  }

  // Counting from 0, so that the lines add up to the totals.
  let before: ReadonlyMap<MetricName, number> = new Map();
  const write = (): void => {
    const now = totals(metrics);
    log.info("", line(names, before, now));
    before = now;
  };
  return clock.every(intervalMs, () => {
    const refreshed = refresh();
    if (refreshed instanceof Promise) void refreshed.then(write);
    else write();
  });
}

function chosenNames(metrics: Metrics, filter: readonly string[]): readonly MetricName[] {
  const sums = metrics.names.filter((name) => METRICS[name].type !== "gauge" || !isLabelled(name));
  const chosen = filter.length === 0 ? sums : sums.filter((name) => filter.includes(name));
  return chosen.toSorted();
}

function totals(metrics: Metrics): ReadonlyMap<MetricName, number> {
  const sums = new Map<MetricName, number>();
  for (const { name, value } of metrics.samples()) sums.set(name, (sums.get(name) ?? 0) + value);
  return sums;
}

function line(
  names: readonly MetricName[],
  before: ReadonlyMap<MetricName, number>,
  now: ReadonlyMap<MetricName, number>,
): LogFields {
  return Object.fromEntries(
    names.map((name) => {
      const value = now.get(name) ?? 0;
      return [name, METRICS[name].type !== "gauge" ? value - (before.get(name) ?? 0) : value];
    }),
  );
}
