import { describe, expect, test } from "bun:test";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemorySessions } from "./memory-sessions.ts";
import { ANN, CONTRACT_TTL_MS, sessionsContract } from "./sessions.contract.ts";

function make(options: { maxBytes?: number } = {}) {
  const clock = new ManualClock();
  const sessions = new MemorySessions({ clock, ttlMs: CONTRACT_TTL_MS, ...options });
  return { clock, sessions, pass: (ms: number) => clock.advance(ms), close: () => sessions.close() };
}

sessionsContract("MemorySessions", () => make());

describe("MemorySessions", () => {
  test("gives the memory of expired sessions back, a bounded number at a time", () => {
    const { clock, sessions } = make();
    for (let n = 0; n < 5000; n += 1) sessions.save(`s${n}`, ANN);
    clock.advance(CONTRACT_TTL_MS);
    expect(sessions.find("s4999")).toBeNull();
    const left = sessions.size;
    expect(left).toBeGreaterThanOrEqual(4000);
    clock.advance(50);
    expect(left - sessions.size).toBe(1000);
    clock.advance(1000);
    expect(sessions.size).toBe(0);
  });

  test("holds no more than it may: the oldest go first, and one of many subscriptions weighs more", () => {
    const { sessions } = make({ maxBytes: 100_000 });
    for (let n = 0; n < 100; n += 1) sessions.save(`s${n}`, ANN);
    const few = sessions.size;
    expect(few).toBeGreaterThan(20);
    expect(few).toBeLessThan(80);
    expect([sessions.find("s99"), sessions.find("s0")]).toEqual([ANN, null]);
    const [subscription] = ANN.subscriptions;
    if (subscription === undefined) throw new Error("Ann has no subscription");
    sessions.save("big", { ...ANN, subscriptions: new Array(100).fill(subscription) });
    expect(sessions.size).toBeLessThan(few - 3);
    for (let n = 0; n < 100; n += 1) sessions.removeOf(ANN.identifiers);
    for (let n = 0; n < 100; n += 1) sessions.save(`t${n}`, ANN);
    expect(sessions.size).toBe(few);
  });

  test("stops its timer when it is closed", () => {
    const { clock, sessions } = make();
    expect(clock.pendingTimers).toBe(1);
    sessions.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
