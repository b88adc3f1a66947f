import { expect, test } from "bun:test";
import fc from "fast-check";
import { DueQueue } from "./due-queue.ts";

/** Everything that is due, in the order in which it is given. */
function takeAll<T extends { untilMs: number }>(queue: DueQueue<T>, nowMs: number): T[] {
  const taken: T[] = [];
  for (let item = queue.take(nowMs); item !== null; item = queue.take(nowMs)) {
    if (item !== "put off") taken.push(item);
  }
  return taken;
}

test("gives what has ended in the order of the ends, and keeps the rest", () => {
  const times = fc.array(fc.nat(50), { maxLength: 60 });
  fc.assert(
    fc.property(times, fc.nat(50), (all, nowMs) => {
      const queue = new DueQueue();
      for (const untilMs of all) queue.push({ untilMs });
      const taken = takeAll(queue, nowMs).map(({ untilMs }) => untilMs);
      expect(taken).toEqual(all.filter((time) => time <= nowMs).sort((a, b) => a - b));
      expect(queue.size).toBe(all.length - taken.length);
    }),
  );
});

test("what was put off while it waited is kept until its new end", () => {
  const items = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { maxLength: 60 });
  fc.assert(
    fc.property(items, fc.nat(100), (all, nowMs) => {
      const queue = new DueQueue<{ untilMs: number }>();
      const waiting = all.map(([untilMs, moreMs]) => ({ item: { untilMs }, moreMs }));
      for (const { item } of waiting) queue.push(item);
      for (const { item, moreMs } of waiting) item.untilMs += moreMs;
      const ended = waiting.filter(({ item }) => item.untilMs <= nowMs);
      expect(takeAll(queue, nowMs)).toHaveLength(ended.length);
      expect(takeAll(queue, 200)).toHaveLength(all.length - ended.length);
      expect(queue.size).toBe(0);
    }),
  );
});
