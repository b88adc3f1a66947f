import { expect, test } from "bun:test";
import { ringOfSecret } from "./keyring.ts";
import { RingHolder } from "./ring-holder.ts";

test("a swap puts another ring in force and counts it", () => {
  const first = ringOfSecret("a");
  const second = ringOfSecret("b");
  const holder = new RingHolder(first);
  expect([holder.current(), holder.generation]).toEqual([first, 1]);
  holder.swap(second);
  expect(holder.current()).toBe(second);
  expect(holder.generation).toBe(2);
});

test("listeners hear of a ring that is in force already, until they are taken off", () => {
  const holder = new RingHolder(ringOfSecret("a"));
  const heard: unknown[] = [];
  const stop = holder.onSwap((ring, generation) => heard.push([ring === holder.current(), generation]));
  holder.swap(ringOfSecret("b"));
  holder.swap(ringOfSecret("c"));
  stop();
  holder.swap(ringOfSecret("d"));
  expect(heard).toEqual([
    [true, 2],
    [true, 3],
  ]);
});
