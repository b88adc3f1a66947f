import { expect, test } from "bun:test";
import fc from "fast-check";
import { CallSlots } from "./call-slots.ts";

test("never more are out than there are, nobody is forgotten, and turns are kept", () => {
  const step = fc.constantFrom("ask", "give", "leave");
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const slots = new CallSlots(capacity);
      let out = 0;
      const waiting: { granted(): void }[] = [];
      for (const what of steps) {
        if (what === "ask" && slots.tryTake()) out += 1;
        else if (what === "ask") {
          const waiter = {
            granted() {
              expect(waiting.shift()).toBe(waiter);
              out += 1;
            },
          };
          waiting.push(waiter);
          slots.wait(waiter);
        } else if (what === "give" && out > 0) {
          out -= 1;
          slots.release();
        } else if (what === "leave" && waiting.length > 0) {
          slots.leave(waiting.pop()!);
        }
        expect(out).toBeLessThanOrEqual(capacity);
        expect(slots.pending).toBe(waiting.length);
        if (waiting.length > 0) expect(out).toBe(capacity);
      }
    }),
  );
});

test("waiters that give back at once do not pile up on the stack", () => {
  const slots = new CallSlots(1);
  slots.tryTake();
  let served = 0;
  for (let n = 0; n < 100_000; n += 1) {
    slots.wait({
      granted() {
        served += 1;
        slots.release();
      },
    });
  }
  slots.release();
  expect(served).toBe(100_000);
  expect(slots.tryTake()).toBe(true);
});
