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
    expect(changes.take()).toMatchObject({ begin: [], end: [] });
  });

  describe("says that a stream is followed", () => {
    function told() {
      const changes = new StreamChanges();
      changes.follow("a");
      const done: string[] = [];
      void changes.following("a")?.then(() => done.push("a"));
      return { changes, done, first: changes.take() };
    }

    test("once the broker has confirmed it", async () => {
      const { changes, done, first } = told();
      await Promise.resolve();
      expect(done).toEqual([]);
      changes.confirmed(first.begin, first.telling);
      await Promise.resolve();
      expect(done).toEqual(["a"]);
      expect(changes.following("a")).toBeNull();
    });

    test("not by the confirmation of a telling that was taken back", async () => {
      const { changes, done, first } = told();
      changes.unfollow("a");
      await Promise.resolve();
      expect(done).toEqual(["a"]); // who waited has left the stream
      changes.take();
      changes.follow("a");
      const again = changes.take();
      changes.confirmed(first.begin, first.telling);
      expect(changes.following("a")).not.toBeNull();
      changes.confirmed(again.begin, again.telling);
      expect(changes.following("a")).toBeNull();
    });

    test("without a change where it was left and joined again within one turn", () => {
      const { changes, first } = told();
      changes.confirmed(first.begin, first.telling);
      changes.unfollow("a");
      changes.follow("a");
      expect(changes.following("a")).toBeNull();
    });

    test("to nobody any more once the connection is lost, but lets nobody wait for it", async () => {
      const { changes, done, first } = told();
      changes.forget();
      await Promise.resolve();
      expect(done).toEqual(["a"]);
      changes.confirmed(first.begin, first.telling);
      expect(changes.following("a")).not.toBeNull();
    });
  });
});
