import { describe, expect, test } from "bun:test";
import type { Revocation } from "../jwt/revocation/revocation.ts";
import { Revocations } from "../jwt/revocation/revocations.ts";
import type { RingReport } from "../jwt/ring-report.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { MemoryBoard, MemoryBoardStore } from "../testing/memory-board.ts";
import { RecordingLog } from "../testing/recording-log.ts";
import { BoardKeeper, LOOK_MS } from "./board-keeper.ts";

const HOUR_MS = 3_600_000;
const PATIENCE_MS = 5000;

/** Every answer of the store is there by then. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await null;
}

function cluster() {
  const clock = new ManualClock();
  const store = new MemoryBoardStore();
  const server = (name: string, isUp = true) => {
    const board = new MemoryBoard(store, clock, isUp);
    const inForce = new Revocations(1000);
    const log = new RecordingLog();
    const own: RingReport = { server: name, name, takenMs: 1, keys: ["k"], passing: [] };
    const keeper = new BoardKeeper({
      ...{ board, clock, log, inForce },
      takeOver: (found) => found.forEach((one) => void inForce.add([one], clock.nowMs())),
      ring: () => own,
      onRings: () => {},
    });
    const revoke = (value: string, isFirst = true, more: Partial<Revocation> = {}) => {
      const one = { by: "jti", value, issuedBeforeS: 0, untilMs: clock.nowMs() + HOUR_MS, ...more } as const;
      inForce.add([one], clock.nowMs());
      keeper.revoked([one], isFirst);
    };
    const values = () => [...inForce.entries()].map(({ value }) => value).sort();
    return { board, inForce, log, keeper, revoke, values };
  };
  return {
    clock,
    store,
    server,
    kept: () => [...store.revocations.values()].map(({ one }) => one.value).sort(),
    async pass(ms: number) {
      for (let at = 0; at < ms; at += LOOK_MS) {
        clock.advance(LOOK_MS);
        await settle();
      }
    },
  };
}

describe("a revocation", () => {
  test("is on the board at once, in force at a server that starts later before that one is ready", async () => {
    const { server, kept } = cluster();
    const a = server("a");
    await a.keeper.start(PATIENCE_MS);
    a.revoke("x");
    await settle();
    expect(kept()).toEqual(["x"]);
    const b = server("b");
    await b.keeper.start(PATIENCE_MS);
    expect(b.values()).toEqual(["x"]);
  });

  test("comes to a server that runs and did not hear of it, with its next look", async () => {
    const { server, pass } = cluster();
    const [a, b] = [server("a"), server("b")];
    for (const { keeper } of [a, b]) await keeper.start(PATIENCE_MS);
    a.revoke("x");
    await settle();
    expect(b.values()).toEqual([]);
    await pass(LOOK_MS);
    expect(b.values()).toEqual(["x"]);
  });

  test("that was heard of is written down a look later, and only where it is not there yet", async () => {
    const { server, store, pass, kept } = cluster();
    const [a, b] = [server("a"), server("b")];
    for (const { keeper } of [a, b]) await keeper.start(PATIENCE_MS);
    a.revoke("x");
    b.revoke("x", false);
    b.revoke("y", false);
    await settle();
    expect(kept()).toEqual(["x"]);
    await pass(2 * LOOK_MS);
    expect(kept()).toEqual(["x", "y"]);
    expect(store.places).toBe(2);
  });

  test("that was taken while the store was away is written when it is back, and what others took comes into force", async () => {
    const { server, pass, kept } = cluster();
    const [a, b] = [server("a"), server("b")];
    for (const { keeper } of [a, b]) await keeper.start(PATIENCE_MS);
    a.board.cut();
    a.revoke("of-a");
    b.revoke("of-b");
    await pass(10 * LOOK_MS);
    expect(kept()).toEqual(["of-b"]);
    a.board.reconnect();
    await settle();
    expect(a.values()).toEqual(["of-a", "of-b"]);
    expect(kept()).toEqual(["of-a", "of-b"]);
    await pass(LOOK_MS);
    expect(b.values()).toEqual(["of-a", "of-b"]);
  });

  test("is written again where the store has lost what it had, whether or not the connection was", async () => {
    const { server, store, pass, kept } = cluster();
    const a = server("a");
    await a.keeper.start(PATIENCE_MS);
    for (const value of ["x", "y"]) a.revoke(value);
    await pass(2 * LOOK_MS);
    store.lose();
    await pass(LOOK_MS);
    expect(kept()).toEqual(["x", "y"]);
    store.lose();
    a.board.cut();
    a.board.reconnect();
    await settle();
    expect(kept()).toEqual(["x", "y"]);
  });

  test("has the later of two ends and of two times there, whatever came first", async () => {
    const { server, store, clock } = cluster();
    const a = server("a");
    await a.keeper.start(PATIENCE_MS);
    const [soonMs, lateMs] = [clock.nowMs() + 1000, clock.nowMs() + 9000];
    a.revoke("ann", true, { by: "issued_before", issuedBeforeS: 5, untilMs: lateMs });
    a.revoke("ann", true, { by: "issued_before", issuedBeforeS: 9, untilMs: soonMs });
    await settle();
    expect([...store.revocations.values()].map(({ one }) => one)).toMatchObject([
      { issuedBeforeS: 9, untilMs: lateMs },
    ]);
  });

  test("that has ended before it could be written is not", async () => {
    const { server, pass, kept } = cluster();
    const a = server("a");
    await a.keeper.start(PATIENCE_MS);
    a.board.cut();
    a.revoke("x");
    await pass(HOUR_MS);
    a.board.reconnect();
    await settle();
    expect(kept()).toEqual([]);
  });

  test("for which the store has no room is said once, and written when there is some", async () => {
    const { server, pass, kept } = cluster();
    const a = server("a");
    a.board.limit = 1;
    await a.keeper.start(PATIENCE_MS);
    for (const value of ["x", "y"]) a.revoke(value);
    await pass(20 * LOOK_MS);
    expect(a.log.lines.map(({ message }) => message)).toEqual([
      "the broker's store has no room for further revocations: raise --revocations_limit",
    ]);
    a.board.limit = 2;
    await pass(LOOK_MS);
    expect(kept()).toEqual(["x", "y"]);
  });

  test("that is left at the end is written first", async () => {
    const { server, kept } = cluster();
    const a = server("a");
    await a.keeper.start(PATIENCE_MS);
    a.revoke("x", false);
    await a.keeper.stop();
    expect(kept()).toEqual(["x"]);
  });
});

describe("a server that starts while the store is away", () => {
  test("waits so long and no longer, says so once, and takes over what it missed when the store is there", async () => {
    const { clock, server, pass } = cluster();
    const [a, b] = [server("a"), server("b", false)];
    await a.keeper.start(PATIENCE_MS);
    a.revoke("x");
    let isReady = false;
    const started = b.keeper.start(PATIENCE_MS).then(() => {
      isReady = true;
    });
    await pass(PATIENCE_MS - LOOK_MS);
    expect(isReady).toBe(false);
    clock.advance(LOOK_MS);
    await started;
    expect(b.log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "warn the broker's store cannot be asked: what other servers have revoked is not in force here until it is back",
    ]);
    await pass(10 * LOOK_MS);
    b.board.reconnect();
    await settle();
    expect(b.values()).toEqual(["x"]);
    expect(b.log.lines).toHaveLength(1);
  });
});

describe("the rings of servers", () => {
  test("are there while they are shown: until a server ends, or is silent for long", async () => {
    const { server, pass } = cluster();
    const [a, b, c] = [server("a"), server("b"), server("c")];
    for (const { keeper } of [a, b, c]) await keeper.start(PATIENCE_MS);
    const seen = () => a.keeper.rings.map((ring) => ring.server).sort();
    await pass(LOOK_MS);
    expect(seen()).toEqual(["a", "b", "c"]);
    await b.keeper.stop();
    await pass(LOOK_MS);
    expect(seen()).toEqual(["a", "c"]);
    c.board.cut();
    await pass(20 * LOOK_MS);
    expect(seen()).toEqual(["a"]);
  });
});
