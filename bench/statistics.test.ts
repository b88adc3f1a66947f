import { expect, test } from "bun:test";
import { median, summarize } from "./statistics.ts";

test("the median of an odd number of figures is the middle one, whatever their order", () => {
  expect(median([9, 1, 100])).toBe(9);
  expect(median([3])).toBe(3);
});

test("the median of an even number of figures is the mean of the two in the middle", () => {
  expect(median([1, 4, 2, 100])).toBe(3);
});

test("no figures have no median", () => {
  expect(() => median([])).toThrow("no figures");
});

test("a summary holds the least and the most beside the median", () => {
  expect(summarize([5, 1, 3])).toEqual({ median: 3, least: 1, most: 5 });
});
