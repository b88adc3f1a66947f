import { expect, test } from "bun:test";
import { SkewWatch } from "./skew-watch.ts";

const MINUTE = 60_000;

function watching() {
  const said: [string | null, number][] = [];
  const watch = new SkewWatch((issuer, aheadS) => said.push([issuer, aheadS]));
  return { said, watch };
}

test("three tokens from the future are said once, with the most that they were ahead", () => {
  const { said, watch } = watching();
  for (const ageS of [-3, -7, -5, -4]) watch.observe("a", ageS, 1000);
  expect(said).toEqual([["a", 7]]);
});

test("a second is no matter, and neither are one or two tokens", () => {
  const { said, watch } = watching();
  for (let i = 0; i < 100; i++) watch.observe("a", -1, 0);
  for (const ageS of [-30, -30, 5, 600]) watch.observe("a", ageS, 0);
  expect(said).toEqual([]);
});

test("tokens far from each other do not add up", () => {
  const { said, watch } = watching();
  for (let i = 0; i < 20; i++) watch.observe("a", -30, i * 6 * MINUTE);
  expect(said).toEqual([]);
});

test("it is said again after an hour, and for each issuer by itself", () => {
  const { said, watch } = watching();
  for (let i = 0; i < 60; i++) watch.observe(null, -2, i * MINUTE);
  expect(said).toEqual([[null, 2]]);
  for (let i = 60; i < 70; i++) watch.observe(null, -2, i * MINUTE);
  expect(said).toHaveLength(2);
  for (let i = 0; i < 3; i++) watch.observe("b", -9, 70 * MINUTE);
  expect(said.at(-1)).toEqual(["b", 9]);
});
