import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { StreamChanges } from "./stream-changes.ts";

describe("StreamChanges", () => {
  test("tells a broker just what it needs to have the streams that are followed", () => {
    const step = fc.record({
      stream: fc.nat(3).map(String),
      act: fc.constantFrom("follow", "unfollow", "take", "forget"),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const changes = new StreamChanges();
        const wanted = new Set<string>();
        const broker = new Set<string>();
        const take = () => {
          const { begin, end } = changes.take();
          for (const stream of begin) {
            expect(broker.has(stream)).toBe(false);
            broker.add(stream);
          }
          for (const stream of end) expect(broker.delete(stream)).toBe(true);
          expect([...broker].sort()).toEqual([...wanted].sort());
          expect(changes.areChanged).toBe(false);
        };
        for (const { stream, act } of steps) {
          if (act === "take") take();
          else if (act === "forget") {
            broker.clear();
            changes.forget();
          } else {
            const isFirst = !changes.areChanged;
            if (act === "follow") wanted.add(stream);
            else wanted.delete(stream);
            expect(changes[act as "follow" | "unfollow"](stream)).toBe(isFirst);
          }
        }
        take();
      }),
    );
  });

  test("has nothing to tell of a stream that was left and joined again meanwhile", () => {
    const changes = new StreamChanges();
    changes.follow("a");
    changes.take();
    changes.unfollow("a");
    changes.follow("a");
    expect(changes.take()).toEqual({ begin: [], end: [] });
  });
});
