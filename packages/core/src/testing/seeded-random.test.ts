import { expect, test } from "bun:test";
import { SeededRandom } from "./seeded-random.ts";

test("the same seed gives the same ids, another seed others", () => {
  expect(new SeededRandom(7).id(21)).toBe(new SeededRandom(7).id(21));
  expect(new SeededRandom(7).id(21)).not.toBe(new SeededRandom(8).id(21));
});

test("ids have the asked length and alphabet, and differ from call to call", () => {
  const random = new SeededRandom();
  const ids = Array.from({ length: 200 }, () => random.id(21));
  for (const id of ids) expect(id).toMatch(/^[-_0-9a-zA-Z]{21}$/);
  expect(new Set(ids).size).toBe(200);
});

test("fractions lie in [0, 1) and spread over it", () => {
  const random = new SeededRandom(3);
  const tenths = new Set<number>();
  for (let i = 0; i < 1_000; i++) {
    const fraction = random.fraction();
    expect(fraction).toBeGreaterThanOrEqual(0);
    expect(fraction).toBeLessThan(1);
    tenths.add(Math.floor(fraction * 10));
  }
  expect(tenths.size).toBe(10);
});
