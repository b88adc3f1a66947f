import { expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { HeldSecret } from "./held-secret.ts";

const HOUR = 3_600_000;

test("what is made of a replaced secret is in use until its time is over", () => {
  const clock = new ManualClock();
  const held = new HeldSecret(({ text }) => `key of ${text}`, clock);
  const put = (current: string) => held.use(held.next({ current, previous: [] }, HOUR));
  expect(held.inUse()).toEqual([]);
  put("a");
  clock.advance(10 * HOUR);
  expect(held.inUse()).toEqual(["key of a"]);
  put("b");
  clock.advance(HOUR / 2);
  put("c");
  expect(held.inUse()).toEqual(["key of c", "key of b", "key of a"]);
  clock.advance(HOUR / 2);
  expect(held.inUse()).toEqual(["key of c", "key of b"]);
  clock.advance(HOUR / 2);
  expect(held.inUse()).toEqual(["key of c"]);
});

test("what is made is made once, and asking costs nothing anew", () => {
  let made = 0;
  const held = new HeldSecret(() => ++made, new ManualClock());
  held.use(held.next({ current: "a", previous: ["b"] }, HOUR));
  expect(held.inUse()).toBe(held.inUse());
  expect(made).toBe(2);
});

test("looking at what would be next changes nothing", () => {
  const held = new HeldSecret(({ text }) => text, new ManualClock());
  held.use(held.next({ current: "a", previous: [] }, HOUR));
  held.next({ current: "b", previous: [] }, HOUR);
  expect(held.inUse()).toEqual(["a"]);
});
