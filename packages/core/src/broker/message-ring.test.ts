import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeUtf8 } from "../wire/utf8.ts";
import { MessageRing } from "./message-ring.ts";

function add(ring: MessageRing, message: string, wallS: number, tick: number, limit: number): void {
  const text = encodeUtf8(message);
  ring.add(text, text.length, wallS, tick, limit);
}

describe("MessageRing", () => {
  test("is an array of the last messages, whatever comes and goes, however long they are", () => {
    // Many of one length, so that texts end exactly where others begin.
    const length = fc.oneof(fc.constantFrom(0, 0, 0, 8), fc.nat(400), fc.constantFrom(5000, 20_000));
    const step = fc.oneof(
      fc.record({ add: length, unit: fc.constantFrom("x", "ü", "😀") }),
      fc.record({ age: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(step, { maxLength: 120 }), (limit, steps) => {
        const ring = new MessageRing();
        let model: { offset: number; message: string; tick: number; wallS: number }[] = [];
        let newest = 0;
        for (const [tick, what] of steps.entries()) {
          if ("add" in what) {
            newest += 1;
            const message = `${String(newest).padStart(8)}${what.unit.repeat(what.add)}`;
            const wallS = (tick * 7) % 50;
            add(ring, message, wallS, tick, limit);
            model = [...model, { offset: newest, message, tick, wallS }].slice(-limit);
          } else {
            const had = model.length;
            model = model.filter((kept) => kept.tick >= tick - what.age);
            expect(ring.dropBefore(tick - what.age)).toBe(had - model.length);
          }
          expect(ring.newest).toBe(newest);
          expect(ring.size).toBe(model.length);
          const told = model.map(({ offset, message }) => ({ offset, message }));
          expect(ring.from(0)).toEqual(told);
          expect(ring.from(newest)).toEqual(told.filter(({ offset }) => offset === newest));
          const recent = model.filter(({ wallS }) => wallS >= 25).map(({ offset }) => offset);
          expect(ring.from(0, 25).map(({ offset }) => offset)).toEqual(recent);
          for (const kept of model) expect(ring.tickOf(kept.offset)).toBe(kept.tick);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("goes round in the room that it has, and never over what is there", () => {
    const ring = new MessageRing();
    const texts = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => String(from + index).padStart(8));
    for (let n = 1; n <= 1000; n++) add(ring, String(n).padStart(8), 0, n, 10);
    const { capacityBytes } = ring;
    for (let n = 1001; n <= 1100; n++) {
      add(ring, String(n).padStart(8), 0, n, 10);
      expect(ring.from(0).map(({ message }) => message)).toEqual(texts(n - 9, n));
    }
    expect(ring.capacityBytes).toBe(capacityBytes);
    // Some go by age and others come, until a lap ends exactly where the oldest begins, and beyond.
    for (let [n, lap] = [1101, 1]; lap <= 60; lap++) {
      ring.dropBefore(n - 3);
      for (const end = n + lap; n < end; n++) {
        add(ring, String(n).padStart(8), 0, n, 1000);
        expect(ring.from(0).map(({ message }) => message)).toEqual(texts(ring.oldest, n));
      }
    }
  });

  test("does not keep the room that long messages took", () => {
    const ring = new MessageRing();
    for (let n = 0; n < 10; n++) add(ring, "x".repeat(1_000_000), 0, n, 10);
    for (let n = 10; n < 40; n++) add(ring, "short", 0, n, 10);
    expect(ring.capacityBytes).toBeLessThan(10_000);
  });
});
