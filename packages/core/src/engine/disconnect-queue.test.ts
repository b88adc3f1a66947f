import { describe, expect, test } from "bun:test";
import { CableError } from "../errors.ts";
import type { DisconnectReply, DisconnectRequest } from "../rpc/backend.ts";
import { settle } from "../testing/engine-rig.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { RecordingLog } from "../testing/recording-log.ts";
import { DisconnectQueue } from "./disconnect-queue.ts";

const SUCCESS: DisconnectReply = { status: "success", errorMessage: "" };

interface Call {
  readonly sid: string;
  readonly resolve: (reply: DisconnectReply) => void;
  readonly reject: (fault: unknown) => void;
}

function setUp(options: { ratePerS?: number; backlog?: number; atOnce?: number } = {}) {
  const clock = new ManualClock();
  const log = new RecordingLog();
  const calls: Call[] = [];
  const queue = new DisconnectQueue({
    disconnect: ({ sid }) =>
      new Promise<DisconnectReply>((resolve, reject) => calls.push({ sid, resolve, reject })),
    clock,
    log,
    sampled: (level, _kind, message, fields) => log[level](message, fields),
    ratePerS: 100,
    backlog: 10,
    atOnce: 3,
    ...options,
  });
  let ended = 0;
  const end = (count: number) => {
    for (let i = 0; i < count; i++) queue.add(requestOf(`s${++ended}`));
  };
  /** Answers every call that is there, those that follow from it too; how many. */
  const answerAll = async () => {
    let answered = 0;
    for (; answered < calls.length; answered++) {
      calls[answered]?.resolve(SUCCESS);
      await settle();
    }
    return answered;
  };
  return { queue, clock, log, calls, end, answerAll };
}

function requestOf(sid: string): DisconnectRequest {
  const env = { url: "", headers: {}, cstate: {}, istate: {} };
  return { sid, env, jwtIdentity: null, identifiers: "", subscriptions: [] };
}

describe("the queue of Disconnect calls", () => {
  test("makes one call an interval, in the order in which sessions ended", async () => {
    const { queue, clock, calls, end } = setUp();
    end(5);
    expect(queue.size).toBe(5);
    for (let i = 1; i <= 5; i++) {
      clock.advance(10);
      expect(calls).toHaveLength(i);
      calls[i - 1]?.resolve(SUCCESS);
      await settle();
    }
    expect(calls.map(({ sid }) => sid)).toEqual(["s1", "s2", "s3", "s4", "s5"]);
    expect(queue.size).toBe(0);
  });

  test("keeps no timer once it is empty, and begins again with the next session", async () => {
    const { clock, calls, end, answerAll } = setUp();
    end(1);
    clock.advance(30);
    await answerAll();
    expect(clock.pendingTimers).toBe(0);
    end(1);
    clock.advance(10);
    expect(calls).toHaveLength(2);
  });

  test("never has more calls under way than it may, for the clients that stay need the backend too", async () => {
    const { queue, clock, calls, end } = setUp({ backlog: 4 });
    end(50);
    clock.advance(5000);
    expect(calls).toHaveLength(3);
    calls[0]?.resolve(SUCCESS);
    await settle();
    expect(calls).toHaveLength(4);
    expect(queue.size).toBe(46);
  });

  test("past the backlog goes as fast as the application answers, and loses no call", async () => {
    const { queue, calls, end, answerAll } = setUp({ backlog: 4 });
    end(40);
    expect(await answerAll()).toBe(36);
    expect(queue.size).toBe(4);
    expect(calls).toHaveLength(36);
  });

  test("gives up the oldest calls, and says so, before it fills the memory", () => {
    const { queue, log, end } = setUp({ backlog: 2 });
    end(60);
    expect(queue.size).toBe(32);
    const given = log.lines.filter(({ message }) => message.startsWith("gave up a Disconnect call"));
    expect(given).toHaveLength(60 - 3 - 32);
    expect(given[0]).toMatchObject({ level: "warn", fields: { sid: "s4" } });
  });

  test("drains without pace, but not all at once", async () => {
    const { queue, log, calls, end } = setUp({ backlog: 100 });
    end(20);
    let drained = false;
    const draining = queue.drain(10_000).then(() => {
      drained = true;
    });
    expect(calls).toHaveLength(3);
    for (let i = 0; i < 20; i++) {
      expect(drained).toBe(false);
      calls[i]?.resolve(SUCCESS);
      await settle();
    }
    await draining;
    expect(calls).toHaveLength(20);
    expect(log.lines.map(({ message, fields }) => [message, fields.num])).toEqual([
      ["invoking remaining disconnects", 20],
      ["disconnected sessions", 20],
    ]);
  });

  test("drains no longer than it may, and says how many calls are left", async () => {
    const { queue, clock, log, end } = setUp({ backlog: 100 });
    end(20);
    const draining = queue.drain(500);
    clock.advance(500);
    await draining;
    expect(log.lines.at(-1)).toMatchObject({
      level: "warn",
      message: "had no time to finish Disconnect calls",
      fields: { num: 20 },
    });
    expect(clock.pendingTimers).toBe(0);
  });

  test("goes on after calls that fail, and tells the operator why", async () => {
    const { clock, log, calls, end } = setUp();
    end(3);
    clock.advance(30);
    calls[0]?.reject(new CableError("backend_unreachable", "call Disconnect: nobody there"));
    calls[1]?.resolve({ status: "error", errorMessage: "boom" });
    calls[2]?.reject(new TypeError("a bug"));
    await settle();
    expect(log.lines.map(({ level, fields }) => [level, fields.sid, fields.code, fields.error])).toEqual([
      ["warn", "s1", "backend_unreachable", "call Disconnect: nobody there"],
      ["warn", "s2", undefined, "boom"],
      ["warn", "s3", "bug", "a bug"],
    ]);
  });
});
