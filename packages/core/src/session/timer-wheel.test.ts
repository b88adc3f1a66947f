import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TICK_MS, type Timed, TimerWheel } from "./timer-wheel.ts";

interface Item extends Timed {
  readonly name: number;
}

const item = (name: number): Item => ({
  name,
  dueAtMs: 0,
  wheelSlot: -1,
  wheelNext: null,
  wheelPrevious: null,
});

describe("TimerWheel", () => {
  test("fires each deadline once, never early and at most a tick late, whatever is moved or cleared", () => {
    const step = fc.record({
      name: fc.nat(9),
      delayMs: fc.integer({ min: -50, max: 60_000 }),
      waitMs: fc.nat(3000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const items = Array.from({ length: 10 }, (_, name) => item(name));
        const due = new Map<number, number>();
        let nowMs = 0;
        const wheel = new TimerWheel<Item>(0, ({ name }, firedMs) => {
          const expectedMs = due.get(name);
          expect(expectedMs).toBeDefined();
          expect(firedMs).toBeGreaterThanOrEqual(expectedMs ?? Number.POSITIVE_INFINITY);
          due.delete(name);
        });
        const advanceTo = (untilMs: number) => {
          for (; nowMs < untilMs; nowMs += TICK_MS) {
            wheel.advance(nowMs);
            for (const dueMs of due.values()) expect(dueMs).toBeGreaterThan(nowMs - 2 * TICK_MS);
          }
        };
        for (const { name, delayMs, waitMs } of steps) {
          const target = items[name] as Item;
          if (delayMs < -25) {
            wheel.cancel(target);
            due.delete(name);
          } else {
            wheel.schedule(target, nowMs + delayMs);
            due.set(name, nowMs + delayMs);
          }
          advanceTo(nowMs + waitMs);
        }
        advanceTo(nowMs + 61_000);
        expect(due.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("lets a deadline that fires clear and set others of the same tick", () => {
    const [a, b, c] = [item(1), item(2), item(3)];
    const fired: number[] = [];
    const wheel = new TimerWheel<Item>(0, ({ name }) => {
      fired.push(name);
      for (const other of [a, b, c]) if (other.name !== name && other.dueAtMs === 100) wheel.cancel(other);
      if (fired.length === 1) wheel.schedule(a, 300);
    });
    for (const each of [a, b, c]) wheel.schedule(each, 100);
    for (let nowMs = 0; nowMs <= 400; nowMs += TICK_MS) wheel.advance(nowMs);
    expect(fired).toHaveLength(2);
    expect(fired[1]).toBe(1);
  });

  test("forgets no deadline when a handler throws", () => {
    const items = [item(1), item(2), item(3), item(4)];
    const fired: number[] = [];
    const wheel = new TimerWheel<Item>(0, ({ name }) => {
      fired.push(name);
      if (fired.length === 2) throw new Error("a bug");
    });
    for (const each of items) wheel.schedule(each, 100);
    wheel.schedule(item(5), 150);
    expect(() => wheel.advance(100)).toThrow("a bug");
    wheel.advance(150);
    expect(fired.toSorted()).toEqual([1, 2, 3, 4, 5]);
  });

  test("catches up after a long stall", () => {
    const one = item(1);
    let fired = 0;
    const wheel = new TimerWheel<Item>(0, () => {
      fired += 1;
    });
    wheel.schedule(one, 500);
    wheel.advance(10_000_000);
    expect(fired).toBe(1);
  });
});
