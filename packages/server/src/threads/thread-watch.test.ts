import { describe, expect, test } from "bun:test";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { SILENCE_MS, watchThread } from "./thread-watch.ts";

/** A thread of which the test says when it answers. */
function watched() {
  const clock = new ManualClock();
  /** How long the process has stood still, so that no timer ran. */
  const still = { ms: 0 };
  const asked: PromiseWithResolvers<unknown>[] = [];
  const silences: number[] = [];
  const stop = watchThread({
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs() + still.ms,
      after: (delayMs, run) => clock.after(delayMs, run),
      every: (intervalMs, run) => clock.every(intervalMs, run),
    },
    ask: () => {
      const question = Promise.withResolvers<unknown>();
      asked.push(question);
      return question.promise;
    },
    onSilent: (silentMs) => silences.push(silentMs),
  });
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1_000);
      await Promise.resolve();
    }
  };
  return { still, asked, silences, stop, pass };
}

describe("a thread that is watched", () => {
  test("and does not answer is said to hang, once, and not before its time", async () => {
    const { silences, pass } = watched();
    await pass(SILENCE_MS / 1000);
    expect(silences).toEqual([]);
    await pass(60);
    expect(silences).toEqual([SILENCE_MS]);
  });

  test("and answers late each time is busy, and left alone", async () => {
    const { asked, silences, pass } = watched();
    for (let i = 0; i < 5; i++) {
      await pass(14);
      asked.at(-1)?.resolve(true);
      await pass(1);
    }
    expect(asked.length).toBeGreaterThan(4);
    expect(silences).toEqual([]);
  });

  test("does not hang when it was the whole process that stood still", async () => {
    const { still, silences, pass } = watched();
    await pass(1);
    still.ms = 600_000;
    await pass(1);
    expect(silences).toEqual([]);
  });

  test("and has ended is asked no more", async () => {
    const { asked, silences, pass } = watched();
    await pass(1);
    asked[0]?.reject(new Error("it died"));
    await pass(60);
    expect(asked).toHaveLength(1);
    expect(silences).toEqual([]);
  });
});
