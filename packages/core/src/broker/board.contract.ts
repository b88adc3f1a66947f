import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Revocation } from "../jwt/revocation/revocation.ts";
import type { RingReport } from "../jwt/ring-report.ts";
import type { Board, BoardNews } from "./board.ts";

/** Boards of several servers in one store, each ready for use. */
export interface BoardsUnderTest {
  /** Another server's; `limit` is how many revocations it lets in. */
  readonly make: (limit: number) => Promise<Board>;
  /** The store's time. */
  readonly nowMs: () => number;
  readonly pass: (ms: number) => void | Promise<void>;
  readonly close: () => void | Promise<void>;
}

const ring = (server: string, keys: readonly string[] = ["k"]): RingReport => ({
  ...{ server, name: `${server} (pid 1)`, takenMs: 5, keys, passing: ["f"] },
});

/** What every adapter of `Board` does. `make` is called for each test. */
export function boardContract(name: string, start: () => Promise<BoardsUnderTest>): void {
  describe(`${name}, as a board`, () => {
    let boards: BoardsUnderTest;
    let one: Board;
    let other: Board;
    beforeEach(async () => {
      boards = await start();
      one = await boards.make(1000);
      other = await boards.make(1000);
    });
    afterEach(() => boards.close());

    const revocation = (value: string, more: Partial<Revocation> = {}): Revocation => ({
      ...{ by: "jti", value, issuedBeforeS: 0, untilMs: Math.ceil(boards.nowMs() / 1000) * 1000 + 60_000 },
      ...more,
    });
    const read = (board: Board, after = 0): Promise<BoardNews> => board.look(ring("reader"), after);
    const valuesOf = ({ revocations }: BoardNews) => revocations.map(({ value }) => value).sort();

    test("shows each server the rings of all, as they are now, until one takes its own down", async () => {
      await one.look(ring("a"), 0);
      await one.look(ring("a", ["new"]), 0);
      const { rings } = await other.look(ring("b"), 0);
      const byServer = (x: RingReport, y: RingReport) => (x.server < y.server ? -1 : 1);
      expect([...rings].sort(byServer)).toEqual([ring("a", ["new"]), ring("b")]);
      await other.stop(ring("b"));
      expect((await one.look(ring("a"), 0)).rings).toEqual([ring("a")]);
    });

    test("has what was written, whatever is in it, for a server that comes later", async () => {
      const all = [
        revocation("1"),
        revocation('{"user":"ü\\n\u2028"}', { by: "identifiers" }),
        revocation("ann", { by: "issued_before", issuedBeforeS: 1_700_000_000.5 }),
        revocation("12345", { by: "token" }),
        revocation(" \u{1f600} ", { by: "kid" }),
        revocation("s", { by: "sid" }),
      ];
      expect(await one.write(all)).toBe(true);
      const { revocations } = await read(await boards.make(1000));
      const sorted = (list: readonly Revocation[]) => list.toSorted((x, y) => (x.by < y.by ? -1 : 1));
      expect(sorted(revocations)).toEqual(sorted(all));
    });

    test("tells what came after a place, once", async () => {
      await one.write([revocation("1"), revocation("2")]);
      const first = await read(other);
      expect(valuesOf(first)).toEqual(["1", "2"]);
      expect(valuesOf(await read(other, first.upTo))).toEqual([]);
      await one.write([revocation("3")]);
      const second = await read(other, first.upTo);
      expect(valuesOf(second)).toEqual(["3"]);
      expect(second.upTo).toBeGreaterThan(first.upTo);
      expect(valuesOf(await read(other))).toEqual(["1", "2", "3"]);
    });

    test("has one that was written twice once, with the later end and the later time, and tells of it when it changes", async () => {
      const [short, long] = [revocation("x"), revocation("x")].map((it, n) => ({
        ...it,
        untilMs: it.untilMs + n * 60_000,
        by: "issued_before" as const,
        issuedBeforeS: 5 - n,
      }));
      if (short === undefined || long === undefined) throw new Error("there are two");
      await one.write([long]);
      const first = await read(other);
      await other.write([short]);
      const merged = { ...long, issuedBeforeS: 5 };
      const second = await read(other, first.upTo);
      expect(second.revocations).toEqual([merged]);
      await Promise.all([one.write([short]), other.write([long])]);
      expect((await read(other, second.upTo)).revocations).toEqual([]);
      expect((await read(other)).revocations).toEqual([merged]);
    });

    test("loses none of what two servers write at the same moment", async () => {
      const lists = [one, other].map((_, of) =>
        Array.from({ length: 20 }, (_, n) =>
          revocation(`${n}`, { by: "issued_before", issuedBeforeS: 100 + ((n + of) % 2) }),
        ),
      );
      await Promise.all([one, other].map((board, at) => board.write(lists[at] ?? [])));
      const { revocations } = await read(one);
      expect(revocations).toHaveLength(20);
      expect(revocations.filter(({ issuedBeforeS }) => issuedBeforeS !== 101)).toEqual([]);
    });

    test("forgets one when it ends", async () => {
      await one.write([
        revocation("short", { untilMs: Math.ceil(boards.nowMs() / 1000) * 1000 + 1000 }),
        revocation("long"),
      ]);
      expect(valuesOf(await read(other))).toEqual(["long", "short"]);
      await boards.pass(2500);
      await read(other);
      const full = await boards.make(2);
      expect(valuesOf(await read(full))).toEqual(["long"]);
      expect(await full.write([revocation("another")])).toBe(true);
    });

    test("has room for so many, and takes none of a lot that is too large", async () => {
      const small = await boards.make(3);
      expect(await small.write(["1", "2"].map((value) => revocation(value)))).toBe(true);
      expect(await small.write(["3", "4"].map((value) => revocation(value)))).toBe(false);
      expect(await small.write(["1", "2", "3"].map((value) => revocation(value)))).toBe(true);
      expect(valuesOf(await read(other))).toEqual(["1", "2", "3"]);
    });

    test("tells many as well", async () => {
      const many = await boards.make(5000);
      const all = Array.from({ length: 2500 }, (_, n) => revocation(`many-${n}`));
      for (let at = 0; at < all.length; at += 500) await many.write(all.slice(at, at + 500));
      const { revocations } = await read(other);
      expect(new Set(revocations.map(({ value }) => value)).size).toBe(2500);
    }, 60_000);
  });
}
