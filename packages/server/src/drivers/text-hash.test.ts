import { expect, test } from "bun:test";
import { textHash } from "./text-hash.ts";

test("a hash is a whole number that is exact, the same for the same text, and another for others", () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `{"user_id":${i}}`);
  const hashes = texts.map(textHash);
  expect(hashes.every(Number.isSafeInteger)).toBe(true);
  expect(texts.map(textHash)).toEqual(hashes);
  expect(new Set(hashes).size).toBe(texts.length);
});
