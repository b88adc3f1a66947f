import { describe, expect, test } from "bun:test";
import { ManualClock } from "./manual-clock.ts";

describe("manual clock", () => {
  test("stands still until it is advanced, and then moves both times", () => {
    const clock = new ManualClock(1_000);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 0]);
    clock.advance(250);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_250, 250]);
  });

  test("fires in order of due time, then of creation, each at its own moment", () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    clock.after(30, () => seen.push(`c@${clock.monotonicMs()}`));
    clock.after(10, () => seen.push(`a@${clock.monotonicMs()}`));
    clock.after(10, () => seen.push(`b@${clock.monotonicMs()}`));
    clock.advance(29);
    expect(seen).toEqual(["a@10", "b@10"]);
    clock.advance(1);
    expect(seen).toEqual(["a@10", "b@10", "c@30"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("repeats at every interval until cancelled", () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const cancel = clock.every(10, () => seen.push(clock.monotonicMs()));
    clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
    cancel();
    cancel();
    clock.advance(100);
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("fires what a callback schedules inside the same span", () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    clock.after(10, () => clock.after(5, () => seen.push(clock.monotonicMs())));
    clock.advance(14);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual([15]);
  });

  test("a timer cancelled by an earlier callback does not fire", () => {
    const clock = new ManualClock(0);
    let fired = false;
    const cancel = clock.after(20, () => {
      fired = true;
    });
    clock.after(10, cancel);
    clock.advance(50);
    expect(fired).toBe(false);
  });

  test("a jump of the wall leaves timers and monotonic time alone", () => {
    const clock = new ManualClock(10_000);
    let fired = false;
    clock.after(5, () => {
      fired = true;
    });
    clock.jumpWall(-3_000);
    expect([clock.nowMs(), clock.monotonicMs(), fired]).toEqual([7_000, 0, false]);
    clock.advance(5);
    expect(fired).toBe(true);
  });

  test("an interval of 0 is one of 1, so that advancing ends", () => {
    const clock = new ManualClock(0);
    let fired = 0;
    clock.every(0, () => fired++);
    clock.advance(3);
    expect(fired).toBe(3);
  });
});
