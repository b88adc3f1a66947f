import { expect, test } from "bun:test";
import { systemRandom } from "./random.ts";

test("ids have the asked length, the alphabet of session ids, and never repeat", () => {
  const ids = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    const id = systemRandom.id(21);
    if (!/^[-_0-9a-zA-Z]{21}$/.test(id)) throw new Error(`not an id: ${id}`);
    ids.add(id);
  }
  expect(ids.size).toBe(20_000);
});

test("any length works, also none and more than the pool holds", () => {
  for (const length of [0, 1, 4_095, 4_096, 4_097, 10_000]) {
    expect(systemRandom.id(length)).toMatch(new RegExp(`^[-_0-9a-zA-Z]{${length}}$`));
  }
});

test("every character comes up about equally often", () => {
  const counts = new Map<string, number>();
  const drawn = 640_000;
  for (const character of systemRandom.id(drawn)) counts.set(character, (counts.get(character) ?? 0) + 1);
  expect(counts.size).toBe(64);
  // 10,000 each is expected with a deviation of about 100; ten of those never happen by chance.
  for (const count of counts.values()) expect(Math.abs(count - drawn / 64)).toBeLessThan(1_000);
});

test("fractions lie in [0, 1)", () => {
  for (let i = 0; i < 1_000; i++) {
    const fraction = systemRandom.fraction();
    expect(fraction >= 0 && fraction < 1).toBe(true);
  }
});
