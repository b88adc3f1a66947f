import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CloseSlots } from "./close-slots.ts";

describe("CloseSlots", () => {
  test("gives the latest second that has room, never more places than it has", () => {
    const slots = new CloseSlots(2);
    const given = Array.from({ length: 7 }, () => slots.takeBackFrom(100, 97)?.second ?? null);
    expect(given).toEqual([100, 100, 99, 99, 98, 98, 97]);
    expect(slots.takeBackFrom(100, 97)).toEqual({ second: 97, place: 1 });
    expect(slots.takeBackFrom(100, 97)).toBeNull();
    expect(slots.take(99)).toEqual({ second: 99, place: 2 });
  });

  test("gives a place that was given back again, to whoever asks for its second", () => {
    const slots = new CloseSlots(1);
    for (let i = 0; i < 5; i++) slots.takeBackFrom(10, 0);
    slots.free(8);
    expect(slots.takeBackFrom(8, 0)?.second).toBe(8);
    expect(slots.takeBackFrom(10, 0)?.second).toBe(5);
  });

  test("keeps nothing of seconds that nobody is in", () => {
    const slots = new CloseSlots(3);
    const seconds = Array.from({ length: 300 }, () => slots.takeBackFrom(1000, 0)?.second ?? -1);
    expect(slots.size).toBe(100);
    for (const second of seconds) slots.free(second);
    slots.free(1000);
    expect(slots.size).toBe(0);
  });

  test("stays within the limit and the bounds for any order of taking and giving back", () => {
    const step = fc.record({ latest: fc.nat(20), span: fc.nat(20), back: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 3 }), (steps, perS) => {
        const slots = new CloseSlots(perS);
        const held: number[] = [];
        const countOf = (second: number) => held.filter((one) => one === second).length;
        for (const { latest, span, back } of steps) {
          if (back && held.length > 0) {
            slots.free(held.splice(latest % held.length, 1)[0] ?? 0);
            continue;
          }
          const slot = slots.takeBackFrom(latest, latest - span);
          if (slot === null) continue;
          expect(slot.second).toBeLessThanOrEqual(latest);
          expect(slot.second).toBeGreaterThanOrEqual(latest - span);
          expect(slot.place).toBe(countOf(slot.second));
          held.push(slot.second);
          expect(countOf(slot.second)).toBeLessThanOrEqual(perS);
        }
        // Whoever asks for a second with room gets it.
        for (let second = 0; second <= 20; second++) {
          if (countOf(second) < perS) expect(slots.takeBackFrom(second, second)?.second).toBe(second);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("finds a place in a hundred thousand as fast as in ten", () => {
    const slots = new CloseSlots(10);
    const startedMs = performance.now();
    for (let i = 0; i < 100_000; i++) slots.takeBackFrom(1_000_000, 0);
    expect(slots.size).toBe(10_000);
    // A walk over all full seconds each time would be half a thousand million steps.
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});
