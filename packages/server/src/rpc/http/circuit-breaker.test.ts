import { describe, expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { CircuitBreaker } from "./circuit-breaker.ts";

function breakerAt(clock = new ManualClock()) {
  const told: string[] = [];
  const breaker = new CircuitBreaker(clock, {
    opened: () => void told.push("opened"),
    closed: () => void told.push("closed"),
  });
  const calls = (failed: number, succeeded = 0) => {
    for (let n = 0; n < succeeded; n += 1) breaker.succeeded(breaker.begin());
    for (let n = 0; n < failed; n += 1) breaker.failed(breaker.begin());
  };
  return { breaker, clock, told, calls };
}

describe("the breaker", () => {
  test("opens when ten calls of a window have come and four in five have failed", () => {
    const { breaker, told, calls } = breakerAt();
    calls(9);
    expect(breaker.allows()).toBe(true);
    calls(1);
    expect([breaker.allows(), told]).toEqual([false, ["opened"]]);
    const mostly = breakerAt();
    mostly.calls(7, 2);
    expect(mostly.breaker.allows()).toBe(true);
    mostly.calls(1);
    expect(mostly.breaker.allows()).toBe(false);
    const partly = breakerAt();
    partly.calls(20, 10);
    expect(partly.breaker.allows()).toBe(true);
  });

  test("forgets what is older than its window of ten seconds", () => {
    const { breaker, clock, calls } = breakerAt();
    calls(9);
    clock.advance(10_000);
    calls(1);
    expect(breaker.allows()).toBe(true);
  });

  test("lets five calls through after five seconds, and closes when all of them succeed", () => {
    const { breaker, clock, told, calls } = breakerAt();
    calls(10);
    clock.advance(4_999);
    expect(breaker.allows()).toBe(false);
    clock.advance(1);
    const trials = [1, 2, 3, 4, 5].map(() => {
      expect(breaker.allows()).toBe(true);
      return breaker.begin();
    });
    expect(breaker.allows()).toBe(false);
    for (const trial of trials) breaker.succeeded(trial);
    expect([breaker.allows(), told]).toEqual([true, ["opened", "closed"]]);
  });

  test("opens again at the first of them that fails, whatever becomes of the others", () => {
    const { breaker, clock, told, calls } = breakerAt();
    calls(10);
    clock.advance(5_000);
    expect(breaker.allows()).toBe(true);
    const [first, second] = [breaker.begin(), breaker.begin()];
    breaker.failed(first);
    breaker.succeeded(second);
    expect([breaker.allows(), told]).toEqual([false, ["opened", "opened"]]);
    clock.advance(5_000);
    expect(breaker.allows()).toBe(true);
  });

  test("does not count calls that were given up, which leave room for another trial", () => {
    const { breaker, clock, calls } = breakerAt();
    for (let n = 0; n < 50; n += 1) breaker.abandoned(breaker.begin());
    calls(9);
    expect(breaker.allows()).toBe(true);
    calls(1);
    clock.advance(5_000);
    expect(breaker.allows()).toBe(true);
    const trials = [1, 2, 3, 4, 5].map(() => breaker.begin());
    expect(breaker.allows()).toBe(false);
    breaker.abandoned(trials[0] ?? 0);
    expect(breaker.allows()).toBe(true);
  });

  test("takes no notice of calls from before it opened", () => {
    const { breaker, clock, told, calls } = breakerAt();
    const early = breaker.begin();
    calls(10);
    clock.advance(5_000);
    expect(breaker.allows()).toBe(true);
    breaker.failed(early);
    expect([breaker.allows(), told]).toEqual([true, ["opened"]]);
  });
});
