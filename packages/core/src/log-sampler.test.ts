import { describe, expect, test } from "bun:test";
import { createLogSampler, durationText } from "./log-sampler.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import { RecordingLog } from "./testing/recording-log.ts";

function setUp(perWindow = 3, silenced: Iterable<"debug" | "info"> = []) {
  const clock = new ManualClock();
  const log = new RecordingLog(silenced);
  const sampler = createLogSampler({ clock, log, perWindow, windowMs: 1_000 });
  const refuse = (reason: string) => sampler.write("info", reason, "client refused", { reason });
  const messages = () => log.lines.map((line) => line.message);
  return { clock, log, sampler, refuse, messages };
}

describe("log sampler", () => {
  test("writes every line while there are few, with its fields, and says nothing of its own", () => {
    const { clock, log, refuse } = setUp();
    for (let i = 0; i < 9; i++) {
      refuse("expired");
      clock.advance(400);
    }
    expect(log.lines).toHaveLength(9);
    expect(log.lines[0]).toEqual({ level: "info", message: "client refused", fields: { reason: "expired" } });
    expect(clock.pendingTimers).toBe(0);
  });

  test("in a flood it writes the first lines of the window and then counts by kind, most frequent first", () => {
    const { clock, log, refuse } = setUp();
    for (let i = 0; i < 5; i++) refuse("expired");
    for (let i = 0; i < 40; i++) refuse("bad_signature");
    expect(log.lines).toHaveLength(3);
    clock.advance(999);
    expect(log.lines).toHaveLength(3);
    clock.advance(1);
    expect(log.lines.slice(3)).toEqual([
      {
        level: "info",
        message: "similar lines left out",
        fields: { left_out: 42, kinds: "bad_signature:40,expired:2" },
      },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("the next window starts afresh and reports only its own", () => {
    const { clock, log, refuse, messages } = setUp(1);
    refuse("expired");
    refuse("expired");
    clock.advance(1_000);
    refuse("missing");
    refuse("missing");
    refuse("missing");
    clock.advance(5_000);
    expect(messages()).toEqual([
      "client refused",
      "similar lines left out",
      "client refused",
      "similar lines left out",
    ]);
    expect(log.lines[3]?.fields).toEqual({ left_out: 2, kinds: "missing:2" });
  });

  test("when the timer is late, the count comes before the next line", () => {
    const clock = new ManualClock();
    const late = { ...timeOf(clock), after: () => () => {}, every: () => () => {} };
    const log = new RecordingLog();
    const sampler = createLogSampler({ clock: late, log, perWindow: 1, windowMs: 1_000 });
    sampler.write("info", "a", "first", {});
    sampler.write("info", "a", "second", {});
    clock.advance(3_000);
    sampler.write("info", "a", "third", {});
    expect(log.lines.map((line) => line.message)).toEqual(["first", "similar lines left out", "third"]);
  });

  test("a flood at one level leaves the other levels their share", () => {
    const { sampler, refuse, messages } = setUp(2);
    for (let i = 0; i < 100; i++) refuse("missing");
    sampler.write("error", "backend_failed", "WebSocket session failed", {});
    expect(messages()).toEqual(["client refused", "client refused", "WebSocket session failed"]);
  });

  test("counts nothing for a level that is not written anyway", () => {
    const { clock, log, sampler } = setUp(1, ["debug"]);
    for (let i = 0; i < 10; i++) sampler.write("debug", "x", "quiet", {});
    expect(clock.pendingTimers).toBe(0);
    expect(log.lines).toEqual([]);
  });

  test("on close it says what it has left out and leaves no timer", () => {
    const { clock, log, sampler, refuse } = setUp(1);
    refuse("missing");
    refuse("missing");
    sampler.close();
    expect(log.lines[1]?.fields).toEqual({ left_out: 1, kinds: "missing:1" });
    expect(clock.pendingTimers).toBe(0);
    sampler.close();
    expect(log.lines).toHaveLength(2);
  });

  test("however many kinds it is given, it counts a bounded number of them and loses none", () => {
    const { clock, log, refuse } = setUp(1);
    for (let i = 0; i < 1_000; i++) refuse(`kind${i}`);
    clock.advance(1_000);
    const fields = log.lines[1]?.fields;
    expect(fields?.left_out).toBe(999);
    expect(String(fields?.kinds).split(",").length).toBeLessThanOrEqual(65);
    expect(String(fields?.kinds)).toContain("other:");
  });

  test("its functions work when passed around alone", () => {
    const { log, sampler } = setUp();
    const { write } = sampler;
    write("warn", "x", "alone", {});
    expect(log.lines[0]?.message).toBe("alone");
  });
});

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

function timeOf(clock: ManualClock) {
  return { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs() };
}
