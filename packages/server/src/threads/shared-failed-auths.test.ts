import { expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { textHash } from "../drivers/text-hash.ts";
import { roomForFailedAuths, SharedFailedAuths } from "./shared-failed-auths.ts";

/** As two threads have it. */
function twoThreads(maxPerMinute: number) {
  const clock = new ManualClock();
  const buffer = roomForFailedAuths();
  const parts = { clock, buffer, salt: "salt", hash: textHash, maxPerMinute };
  return { clock, one: new SharedFailedAuths(parts), other: new SharedFailedAuths(parts) };
}

test("what threads refuse counts together, and for all of them", () => {
  const { one, other } = twoThreads(2);
  one.add("192.0.2.1");
  expect(other.banMs("192.0.2.1")).toBe(0);
  other.add("192.0.2.1");
  for (const thread of [one, other]) {
    expect(thread.banMs("192.0.2.1")).toBe(60_000);
    expect(thread.banMs("192.0.2.2")).toBe(0);
  }
});

test("an address may come again when its minute is over, which begins with its first failure", () => {
  const { clock, one, other } = twoThreads(2);
  one.add("192.0.2.1");
  clock.advance(40_000);
  other.add("192.0.2.1");
  expect(one.banMs("192.0.2.1")).toBe(20_000);
  clock.advance(20_000);
  expect(one.banMs("192.0.2.1")).toBe(0);
  one.add("192.0.2.1");
  expect(other.banMs("192.0.2.1")).toBe(0);
});

test("nobody has to stay away for longer because the clock was set back", () => {
  const { clock, one } = twoThreads(1);
  one.add("192.0.2.1");
  clock.jumpWall(-3_600_000);
  expect(one.banMs("192.0.2.1")).toBe(0);
});

test("of IPv6 the network counts", () => {
  const { one, other } = twoThreads(2);
  one.add("2001:db8:1:2::1");
  other.add("2001:db8:1:2::2");
  expect(one.banMs("2001:db8:1:2:3::")).toBe(60_000);
  expect(one.banMs("2001:db8:1:3::1")).toBe(0);
});

test("a flood of addresses makes it forget old ones, and nothing worse", () => {
  const { one, clock } = twoThreads(1);
  for (let i = 0; i < 100_000; i++) {
    if (i % 1000 === 0) clock.advance(100);
    one.add(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  }
  expect(one.banMs("10.1.134.159")).toBeGreaterThan(50_000);
  expect(one.banMs("192.0.2.1")).toBe(0);
});
