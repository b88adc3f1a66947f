import { expect, test } from "bun:test";
import { systemClock } from "./clock.ts";

test("wall time is the machine's and monotonic time never goes back", () => {
  expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1_000);
  let last = systemClock.monotonicMs();
  for (let i = 0; i < 1_000; i++) {
    const now = systemClock.monotonicMs();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});

test("fires once after a delay, again and again at an interval, and not after being cancelled", async () => {
  const seen: string[] = [];
  const cancelled = systemClock.after(1, () => seen.push("cancelled"));
  cancelled();
  cancelled();
  await new Promise<void>((done) => {
    systemClock.after(1, () => seen.push("once"));
    const stop = systemClock.every(2, () => {
      seen.push("tick");
      if (seen.filter((entry) => entry === "tick").length === 3) {
        stop();
        done();
      }
    });
  });
  expect(seen.sort()).toEqual(["once", "tick", "tick", "tick"]);
});

test("a delay past what the runtime's timers take does not fire at once", async () => {
  const seen: string[] = [];
  const cancels = [
    systemClock.after(2 ** 31, () => seen.push("after")),
    systemClock.after(400 * 86_400_000, () => seen.push("after a year")),
    systemClock.every(2 ** 31, () => seen.push("every")),
  ];
  await new Promise<void>((done) => {
    systemClock.after(20, done);
  });
  for (const cancel of cancels) cancel();
  expect(seen).toEqual([]);
});
