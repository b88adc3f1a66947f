import { expect, test } from "bun:test";
import { createMetrics, type Metrics } from "./registry.ts";
import { addSnapshot, clearMetrics, snapshotOf } from "./snapshot.ts";

const GREATEST = new Set(["jwt_secret_mismatch"] as const);
const ALL = () => true;

/** Of a thread that refused so many tokens. */
function measured(refused: number): Metrics {
  const metrics = createMetrics();
  metrics.counter("failed_auths_total").add(refused);
  metrics.labelled("disconnects_total").add(["remote"], refused);
  metrics.gauge("jwt_secret_mismatch").set(1);
  metrics.labelledHistogram("jwt_issued_ago_seconds").observe(["none"], refused);
  return metrics;
}

test("what threads have counted is added up, label set by label set, and some gauges are the greatest of all", () => {
  const sum = createMetrics();
  for (const refused of [2, 5]) addSnapshot(sum, snapshotOf(measured(refused), ALL), GREATEST);
  expect(sum.counter("failed_auths_total").value).toBe(7);
  expect(sum.labelled("disconnects_total").cell(["remote"]).value).toBe(7);
  expect(sum.gauge("jwt_secret_mismatch").value).toBe(1);
  const [ages] = sum.labelledHistogram("jwt_issued_ago_seconds").entries();
  expect(ages).toMatchObject({ labelValues: ["none"], cell: { sum: 7, count: 2 } });
  const both = [2, 5].map((refused) => [
    ...measured(refused).labelledHistogram("jwt_issued_ago_seconds").entries(),
  ]);
  const counts = both.map(([only]) => only?.cell.counts ?? []);
  const [one = [], other = []] = counts.map((each) => [...each]);
  expect([...(ages?.cell.counts ?? [])]).toEqual(one.map((n, at) => n + (other[at] ?? 0)));
});

test("a snapshot survives the way to another thread, and what is counted afterwards does not change it", () => {
  const metrics = measured(3);
  const snapshot = snapshotOf(metrics, ALL);
  const there = structuredClone(snapshot);
  metrics.counter("failed_auths_total").add();
  metrics.labelledHistogram("jwt_issued_ago_seconds").observe(["none"], 1);
  expect(snapshot).toEqual(there);
});

test("what is not wanted is left out, of numbers as of histograms", () => {
  const snapshot = snapshotOf(
    measured(3),
    (name) => name !== "failed_auths_total" && name !== "jwt_issued_ago_seconds",
  );
  const names: ReadonlySet<string> = new Set(
    [...snapshot.numbers, ...snapshot.histograms].map(({ name }) => name),
  );
  expect(names.has("disconnects_total")).toBe(true);
  expect(names.has("failed_auths_total")).toBe(false);
  expect(names.has("jwt_issued_ago_seconds")).toBe(false);
});

test("metrics that were cleared are as new", () => {
  const metrics = measured(3);
  clearMetrics(metrics);
  const values = [...metrics.samples()].map(({ value }) => value);
  expect(values.every((value) => value === 0)).toBe(true);
  expect([...metrics.labelledHistogram("jwt_issued_ago_seconds").entries()]).toEqual([]);
});
