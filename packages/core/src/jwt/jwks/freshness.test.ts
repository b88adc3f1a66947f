import { expect, test } from "bun:test";
import fc from "fast-check";
import { freshForMs, overdueMs } from "./freshness.ts";

const MINUTE = 60_000;

test.each([
  ["max-age=3600", 0, 60 * MINUTE],
  ["public, max-age=3600, must-revalidate", 600, 50 * MINUTE],
  ['MAX-AGE="3600"', 0, 60 * MINUTE],
  [null, 0, 10 * MINUTE],
  ["max-age=soon", 0, 10 * MINUTE],
  ["max-age=5", 0, MINUTE],
  ["max-age=100, no-store", 0, MINUTE],
  ["no-cache", 0, MINUTE],
  ["max-age=31536000", 0, 24 * 60 * MINUTE],
  ["max-age=3600", 99_999, MINUTE],
])("%p, %p s old, is current for %p ms", (cacheControl, ageS, ms) => {
  expect(freshForMs(cacheControl, ageS)).toBe(ms);
});

test.each([
  ["max-age=31536000", 5 * 86_400, 0],
  ["max-age=600", 600, 0],
  ["max-age=600", 86_400, 86_400_000 - 600_000],
  [null, 600, 0],
  [null, 660, MINUTE],
  ["no-store", 60, MINUTE],
])("%p, %p s old, is overdue by %p ms", (cacheControl, ageS, ms) => {
  expect(overdueMs(cacheControl, ageS)).toBe(ms);
});

test("whatever a server says, its keys are current for a minute to a day, and never overdue by less than nothing", () => {
  const piece = fc.constantFrom(
    "max-age",
    "=",
    "-",
    "60",
    "1e9",
    "99999999999",
    '"',
    ",",
    " ",
    "no-store",
    "s-maxage=5",
    "\0",
  );
  const header = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(piece).map((all) => all.join("")),
  );
  const age = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(fc.option(header), age, (cacheControl, ageS) => {
      const fresh = freshForMs(cacheControl, ageS);
      expect(fresh).toBeGreaterThanOrEqual(MINUTE);
      expect(fresh).toBeLessThanOrEqual(24 * 60 * MINUTE);
      expect(overdueMs(cacheControl, ageS)).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 1000 },
  );
});
