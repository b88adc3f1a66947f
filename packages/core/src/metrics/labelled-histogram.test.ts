import { expect, test } from "bun:test";
import { METRICS } from "./catalog.ts";
import { createMetrics, Histogram } from "./registry.ts";

test("a value falls into the first bucket whose end it does not pass", () => {
  const histogram = new Histogram([-1, 0, 10]);
  for (const value of [-5, -1, -0.5, 0, 0.1, 10, 10.1, 1e9]) histogram.observe(value);
  expect([...histogram.counts]).toEqual([2, 2, 2, 2]);
  expect(histogram.sum).toBeCloseTo(1_000_000_013.7);
});

test("label sets count apart, and those past the bound together", () => {
  const histogram = createMetrics().labelledHistogram("jwt_issued_ago_seconds");
  for (let i = 0; i < 200; i++) histogram.observe([`issuer ${i}`], 1);
  histogram.observe(["issuer 0"], 5);
  const entries = [...histogram.entries()];
  expect(entries).toHaveLength(METRICS.jwt_issued_ago_seconds.maxSets);
  expect(entries[0]).toMatchObject({ labelValues: ["issuer 0"], cell: { count: 2, sum: 6 } });
  expect(entries.at(-1)).toMatchObject({ labelValues: ["other"], cell: { count: 200 - 63 } });
});

test("samples have the number of observations, a label set each", () => {
  const metrics = createMetrics();
  const histogram = metrics.labelledHistogram("jwt_issued_ago_seconds");
  histogram.observe(["a"], 1);
  histogram.observe(["a"], 2);
  const samples = [...metrics.samples()].filter(({ name }) => name === "jwt_issued_ago_seconds");
  expect(samples).toEqual([{ name: "jwt_issued_ago_seconds", labelValues: ["a"], value: 2 }]);
});

test("bounds ascend", () => {
  for (const [name, row] of Object.entries(METRICS)) {
    const ends: readonly number[] = "buckets" in row ? row.buckets : [];
    expect({ name, ends: ends.toSorted((a, b) => a - b) }).toEqual({ name, ends: [...ends] });
  }
});
