import { describe, expect, test } from "bun:test";
import { ManualClock } from "../testing/manual-clock.ts";
import { AcceptRate } from "./accept-rate.ts";

function taken(rate: AcceptRate, attempts: number, resumes = false): number {
  let count = 0;
  for (let i = 0; i < attempts; i++) if (rate.take(resumes)) count += 1;
  return count;
}

describe("the rate at which clients are taken in", () => {
  test("lets in one second's clients at once, and then as many as time passes for", () => {
    const clock = new ManualClock();
    const rate = new AcceptRate(clock, 10);
    expect(taken(rate, 50)).toBe(10);
    clock.advance(300);
    expect(taken(rate, 50)).toBe(3);
    clock.advance(60_000);
    expect(taken(rate, 50)).toBe(10);
  });

  test("may be one a second, however often somebody asks", () => {
    const clock = new ManualClock();
    const rate = new AcceptRate(clock, 1);
    let count = 0;
    for (let ms = 0; ms < 5000; ms += 50) {
      count += taken(rate, 3);
      clock.advance(50);
    }
    expect(count).toBe(5);
  });

  test("is for those who resume, once one of them found no room: the others stand back", () => {
    const clock = new ManualClock();
    const rate = new AcceptRate(clock, 10);
    expect(taken(rate, 10)).toBe(10);
    expect(taken(rate, 1, true)).toBe(0);
    clock.advance(500);
    expect(taken(rate, 5)).toBe(0);
    expect(taken(rate, 5, true)).toBe(5);
    clock.advance(600);
    expect(taken(rate, 5)).toBe(5);
  });

  test("holds for those who resume too", () => {
    expect(taken(new AcceptRate(new ManualClock(), 10), 50, true)).toBe(10);
  });
});
