import { describe, expect, test } from "bun:test";
import { LIMITS } from "../limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryPresence } from "./memory-presence.ts";
import { presenceContract } from "./presence.contract.ts";

const TTL_MS = 15_000;

presenceContract("memory", () => {
  const clock = new ManualClock();
  const presence = new MemoryPresence(clock, TTL_MS);
  return {
    presence,
    ttlMs: TTL_MS,
    pass: (ms) => clock.advance(ms),
    stop: () => presence.close(),
  };
});

describe("MemoryPresence", () => {
  test("makes the list once for as long as nothing changes", () => {
    const presence = new MemoryPresence(new ManualClock(), TTL_MS);
    for (let n = 0; n < 1000; n++) presence.join("s", `sid${n}`, `u${n}`, '{"name":"someone"}');
    presence.info("s");
    const startedMs = performance.now();
    for (let n = 0; n < 100_000; n++) presence.info("s");
    // Making it anew takes 10 us at the least.
    expect(performance.now() - startedMs).toBeLessThan(500);
    presence.join("s", "sid0", "u0", '{"name":"another"}');
    expect(presence.info("s")).toContain("another");
  });

  test("has no timer while nobody's time runs, and one for all of those whose time does", () => {
    const clock = new ManualClock();
    const presence = new MemoryPresence(clock, TTL_MS);
    for (let n = 0; n < 100; n++) presence.join("s", `sid${n}`, `u${n}`, null);
    expect(clock.pendingTimers).toBe(0);
    for (let n = 0; n < 100; n++) presence.disconnected(`sid${n}`);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(TTL_MS + 100);
    expect(clock.pendingTimers).toBe(0);
    expect(presence.size()).toEqual({ streams: 0, sessions: 0 });
  });

  test("takes thousands out in small parts, in the order in which they were lost", () => {
    const clock = new ManualClock();
    const presence = new MemoryPresence(clock, TTL_MS);
    const left: string[] = [];
    presence.onExpired((_, { id }) => left.push(id));
    for (let n = 0; n < 1000; n++) presence.join("s", `sid${n}`, `u${n}`, null);
    for (let n = 0; n < 1000; n++) presence.disconnected(`sid${n}`);
    clock.advance(TTL_MS);
    expect(left.length).toBe(256);
    clock.advance(100);
    expect(left).toEqual(Array.from({ length: 1000 }, (_, n) => `u${n}`));
  });

  test("keeps so much of those who were lost, and lets the first of them go before their time for more", () => {
    const clock = new ManualClock();
    const presence = new MemoryPresence(clock, TTL_MS);
    const left: string[] = [];
    presence.onExpired((_, { id }) => left.push(id));
    const info = JSON.stringify("x".repeat(4000));
    const each = 64 * (info.length + 30);
    const most = Math.floor(LIMITS.maxPresenceOfLost / each);
    for (let n = 0; n < most + 10; n++) {
      for (let stream = 0; stream < 64; stream++) presence.join(`s${n}.${stream}`, `sid${n}`, `u${n}`, info);
      presence.disconnected(`sid${n}`);
    }
    const gone = new Set(left);
    expect(gone.size).toBeWithin(5, 30);
    expect([...gone]).toEqual(Array.from({ length: gone.size }, (_, n) => `u${n}`));
    expect(presence.size().sessions).toBe(most + 10 - gone.size);
    // Whoever comes back is lost no more, and leaves room for others.
    presence.join("s", `sid${most}`, `u${most}`, null);
    clock.advance(TTL_MS * 20);
    expect(presence.size()).toEqual({ streams: 65, sessions: 1 });
  });

  test("takes nobody out once it is closed", () => {
    const clock = new ManualClock();
    const presence = new MemoryPresence(clock, TTL_MS);
    presence.join("s", "a", "u", null);
    presence.disconnected("a");
    presence.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test("lets everybody go at once where nobody is waited for", () => {
    const clock = new ManualClock();
    const presence = new MemoryPresence(clock, 0);
    const left: string[] = [];
    presence.onExpired((_, { id }) => left.push(id));
    presence.join("s", "a", "u", null);
    presence.disconnected("a");
    clock.advance(10);
    expect(left).toEqual(["u"]);
  });
});
