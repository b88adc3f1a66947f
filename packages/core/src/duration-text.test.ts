import { expect, test } from "bun:test";
import { durationText } from "./duration-text.ts";

test.each([
  [0, "0ms"],
  [-5, "0ms"],
  [450.9, "450ms"],
  [999, "999ms"],
  [1_000, "1s"],
  [59_999, "59s"],
  [60_000, "1m0s"],
  [192_400, "3m12s"],
  [3_600_000, "1h0m0s"],
  [3_605_000, "1h0m5s"],
  [90_061_000, "25h1m1s"],
])("%d ms reads as %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
