import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../limits.ts";
import type { Answer } from "./answer.ts";
import type { Presence, PresenceEvent, PresenceOutcome } from "./presence.ts";

/** An adapter under test, empty, and the time that it goes by. */
export interface PresenceUnderTest {
  readonly presence: Presence;
  readonly ttlMs: number;
  /** Lets so much time go by. */
  pass(ms: number): Answer<void>;
  stop(): Answer<void>;
}

/** What is to be known of an adapter before it is tested. */
export interface PresencePace {
  /** How late it may be, and how much of the time to live its calls may take. */
  readonly soonMs?: number;
  /** How many examples of a property are tried. */
  readonly examples?: number;
}

/** What every adapter of presence does, whatever it keeps it in. */
export function presenceContract(
  name: string,
  make: () => Answer<PresenceUnderTest>,
  { soonMs = 100, examples = 100 }: PresencePace = {},
): void {
  describe(`${name} keeps presence`, () => {
    const started: PresenceUnderTest[] = [];
    afterEach(async () => {
      for (const under of started.splice(0)) await under.stop();
    });
    const start = async () => {
      const under = await make();
      started.push(under);
      return { ...under, expired: expirations(under.presence) };
    };

    test("and tells of the first session of an id, and of the last", async () => {
      const { presence } = await start();
      expect(await presence.join("s", "a", "u", "1")).toEqual(changed(join("u", "1")));
      expect(await presence.join("s", "b", "u", "1")).toEqual(UNCHANGED);
      expect(await presence.leave("s", "a")).toEqual(UNCHANGED);
      expect(await presence.leave("s", "b")).toEqual(changed(leave("u")));
      expect(await presence.join("s", "a", "u", null)).toEqual(changed(join("u", null)));
    });

    test("and lists each id once, in the reference's member order, with its newest info", async () => {
      const { presence } = await start();
      expect(await presence.info("s")).toBe('{"type":"info","total":0}');
      await presence.join("s", "a", "u", '{"name":"A"}');
      expect(await presence.info("s")).toBe(
        '{"type":"info","total":1,"records":[{"info":{"name":"A"},"id":"u"}]}',
      );
      expect(await presence.join("s", "b", "u", '{"name":"B"}')).toEqual(UNCHANGED);
      await presence.join("s", "c", "no info", null);
      expect(await listOf(presence, "s")).toEqual({ u: { name: "B" }, "no info": undefined });
      expect(await presence.join("s", "a", "u", null)).toEqual(UNCHANGED);
      await presence.leave("s", "c");
      expect(await presence.info("s")).toBe('{"type":"info","total":1,"records":[{"id":"u"}]}');
    });

    test("and refuses a session a second id on a stream, and changes nothing then", async () => {
      const { presence } = await start();
      await presence.join("s", "a", "u", "1");
      expect(await presence.join("s", "a", "v", "2")).toMatchObject({ done: false });
      expect(await listOf(presence, "s")).toEqual({ u: 1 });
      expect(await presence.join("t", "a", "v", "2")).toEqual(changed(join("v", "2")));
      await presence.leave("s", "a");
      expect(await presence.join("s", "a", "v", "2")).toEqual(changed(join("v", "2")));
    });

    test("and refuses to take a session from where it is not", async () => {
      const { presence } = await start();
      expect(await presence.leave("s", "a")).toMatchObject({ done: false });
      await presence.join("s", "a", "u", null);
      expect(await presence.leave("s", "b")).toMatchObject({ done: false });
      expect(await presence.leave("t", "a")).toMatchObject({ done: false });
      expect(await presence.leave("s", "a")).toEqual(changed(leave("u")));
      expect(await presence.leave("s", "a")).toMatchObject({ done: false });
    });

    test.each(["__proto__", "constructor", "", " ", "a,b:c", "ü😀\u0000", "x".repeat(300)])(
      "under the id and on the stream %j",
      async (name) => {
        const { presence, ttlMs, pass, expired } = await start();
        expect(await presence.join(name, name, name, "1")).toEqual(changed(join(name, "1")));
        expect(JSON.parse(await presence.info(name)).records).toEqual([{ id: name, info: 1 }]);
        await presence.disconnected(name);
        await pass(ttlMs + soonMs);
        expect(expired).toEqual([[name, leave(name)]]);
      },
    );

    test("while the session is connected, however long", async () => {
      const { presence, ttlMs, pass, expired } = await start();
      await presence.join("s", "a", "u", "1");
      await pass(4 * ttlMs);
      expect(expired).toEqual([]);
      expect(await listOf(presence, "s")).toEqual({ u: 1 });
    });

    test("for its time to live after the connection is gone, and on every stream", async () => {
      const { presence, ttlMs, pass, expired } = await start();
      await presence.join("s", "a", "u", "1");
      await presence.join("t", "a", "v", "2");
      await presence.disconnected("a");
      await pass(ttlMs - soonMs);
      expect(expired).toEqual([]);
      expect(await listOf(presence, "s")).toEqual({ u: 1 });
      await pass(2 * soonMs);
      expect(new Map(expired)).toEqual(
        new Map([
          ["s", leave("u")],
          ["t", leave("v")],
        ]),
      );
      expect(await presence.info("s")).toBe('{"type":"info","total":0}');
      expect(await presence.join("s", "b", "u", "1")).toEqual(changed(join("u", "1")));
    });

    test("without a word to the others when the client comes back under another session in time", async () => {
      const { presence, ttlMs, pass, expired } = await start();
      await presence.join("s", "old", "u", "1");
      await presence.disconnected("old");
      await pass(ttlMs / 2);
      expect(await presence.join("s", "new", "u", "1")).toEqual(UNCHANGED);
      await pass(2 * ttlMs);
      expect(expired).toEqual([]);
      expect(await listOf(presence, "s")).toEqual({ u: 1 });
      expect(await presence.leave("s", "new")).toEqual(changed(leave("u")));
    });

    test("under the session that resumes another, without its joining again and without a word", async () => {
      const { presence, ttlMs, pass, expired } = await start();
      await presence.join("s", "old", "u", "1");
      await presence.join("t", "old", "v", "2");
      await presence.disconnected("old");
      await presence.resumed("old", "new");
      await pass(2 * ttlMs);
      expect(expired).toEqual([]);
      expect(await listOf(presence, "s")).toEqual({ u: 1 });
      expect(await presence.join("s", "new", "u", "3")).toEqual(UNCHANGED);
      expect(await presence.leave("s", "new")).toEqual(changed(leave("u")));
      await presence.disconnected("new");
      await pass(ttlMs + soonMs);
      expect(expired).toEqual([["t", leave("v")]]);
    });

    test("nowhere under a session that resumes one that is nowhere", async () => {
      const { presence } = await start();
      await presence.resumed("old", "new");
      expect(await presence.leave("s", "new")).toMatchObject({ done: false });
    });

    test("of a session that left before its time was over, or joined again, no further", async () => {
      const { presence, ttlMs, pass, expired } = await start();
      for (const sid of ["a", "b"]) {
        await presence.join("s", sid, sid, null);
        await presence.disconnected(sid);
      }
      await pass(ttlMs / 2);
      expect(await presence.leave("s", "a")).toEqual(changed(leave("a")));
      expect(await presence.join("s", "b", "b", null)).toEqual(UNCHANGED);
      await pass(2 * ttlMs);
      expect(expired).toEqual([]);
      await presence.disconnected("nobody");
      await presence.disconnected("b");
      await pass(ttlMs + soonMs);
      expect(expired).toEqual([["s", leave("b")]]);
    });

    test("of so much a member, and changes nothing for more", async () => {
      const { presence } = await start();
      const long = JSON.stringify("x".repeat(LIMITS.maxPresenceRecord));
      expect(await presence.join("s", "a", "u", long)).toMatchObject({ done: false });
      expect(await presence.info("s")).toBe('{"type":"info","total":0}');
      await presence.join("s", "a", "u", "1");
      expect(await presence.join("s", "a", "u", long)).toMatchObject({ done: false });
      expect(await presence.join("s", "b", long, null)).toMatchObject({ done: false });
      expect(await listOf(presence, "s")).toEqual({ u: 1 });
    });

    test("of so much a session and so much a stream", async () => {
      const { presence } = await start();
      const info = JSON.stringify("x".repeat(LIMITS.maxPresenceRecord - 100));
      const taken = async (limit: number, put: (n: number) => Answer<PresenceOutcome>) => {
        let n = 0;
        while (n < limit && (await put(n)).done) n += 1;
        return n;
      };
      const ofSession = await taken(10_000, (n) => presence.join(`s${n + 1000}`, "a", "u", info));
      expect(ofSession).toBe(Math.floor(LIMITS.maxPresenceOfSession / (info.length + 18 + 5)));
      expect(await presence.leave("s1000", "a")).toEqual(changed(leave("u")));
      expect(await presence.join("another", "a", "u", info)).toMatchObject({ done: true });
      const ofStream = await taken(10_000, (n) => presence.join("full", `b${n}`, `${n + 1000}`, info));
      expect(ofStream).toBe(Math.floor(LIMITS.maxPresenceOfStream / (info.length + 21)));
      expect(await presence.leave("full", "b0")).toEqual(changed(leave("1000")));
      expect(await presence.join("full", "c", "more", info)).toMatchObject({ done: true });
    });

    test("as a simple model of it does, whatever comes in whatever order", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(STEP, { maxLength: 60 }), async (steps) => {
          const under = await make();
          await compare(under, steps, soonMs);
          await under.stop();
        }),
        { numRuns: examples },
      );
    });
  });
}

const UNCHANGED: PresenceOutcome = { done: true, event: null };

function changed(event: PresenceEvent): PresenceOutcome {
  return { done: true, event };
}

function join(id: string, info: string | null): PresenceEvent {
  return { type: "join", id, info };
}

function leave(id: string): PresenceEvent {
  return { type: "leave", id };
}

/** Fills up as time goes by. */
function expirations(presence: Presence): [stream: string, event: PresenceEvent][] {
  const expired: [string, PresenceEvent][] = [];
  presence.onExpired((stream, event) => expired.push([stream, event]));
  return expired;
}

/** Id -> info of everyone who is listed. */
async function listOf(presence: Presence, stream: string): Promise<Record<string, unknown>> {
  const { type, total, records = [] } = JSON.parse(await presence.info(stream));
  expect(type).toBe("info");
  expect(total).toBe(records.length);
  return Object.fromEntries(records.map(({ id, info }: { id: string; info?: unknown }) => [id, info]));
}

type PresenceStep =
  | { readonly do: "join"; readonly stream: string; readonly sid: string; readonly id: string; info: string }
  | { readonly do: "leave"; readonly stream: string; readonly sid: string }
  | { readonly do: "disconnected"; readonly sid: string }
  | { readonly do: "resumed"; readonly from: string; readonly sid: string }
  /** Parts of the time to live, so that deadlines are met from both sides. */
  | { readonly do: "pass"; readonly thirds: number };

const STREAM = fc.constantFrom("s", "t");
const SID = fc.constantFrom("a", "b", "c", "d");
const STEP: fc.Arbitrary<PresenceStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("join" as const),
      stream: STREAM,
      sid: SID,
      id: fc.constantFrom("u", "v"),
      info: fc.constantFrom("1", "2"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("leave" as const), stream: STREAM, sid: SID }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disconnected" as const), sid: SID }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resumed" as const), from: SID, sid: SID }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), thirds: fc.integer({ min: 1, max: 4 }) }),
  },
);

/** Presence as one would write it without a thought for its cost: a list of who is where. */
class NaivePresence {
  rows: { stream: string; sid: string; id: string; info: string }[] = [];
  readonly #endsAt = new Map<string, number>();
  #now = 0;

  join(stream: string, sid: string, id: string, info: string): PresenceEvent | null | "refused" {
    this.#endsAt.delete(sid);
    const own = this.rows.find((row) => row.stream === stream && row.sid === sid);
    if (own !== undefined && own.id !== id) return "refused";
    const others = this.rows.filter((row) => row.stream === stream && row.id === id);
    for (const row of others) row.info = info;
    if (own === undefined) this.rows.push({ stream, sid, id, info });
    return others.length === 0 ? join(id, info) : null;
  }

  leave(stream: string, sid: string): PresenceEvent | null | "refused" {
    const own = this.rows.find((row) => row.stream === stream && row.sid === sid);
    if (own === undefined) return "refused";
    this.rows = this.rows.filter((row) => row !== own);
    return this.rows.some((row) => row.stream === stream && row.id === own.id) ? null : leave(own.id);
  }

  resumed(from: string, sid: string): void {
    if (this.rows.some((row) => row.sid === sid)) return;
    this.rows.push(...this.rows.filter((row) => row.sid === from).map((row) => ({ ...row, sid })));
  }

  disconnected(sid: string, ttl: number): void {
    if (this.rows.some((row) => row.sid === sid)) this.#endsAt.set(sid, this.#now + ttl);
  }

  pass(time: number): [string, PresenceEvent][] {
    this.#now += time;
    const events: [string, PresenceEvent][] = [];
    for (const [sid, endsAt] of [...this.#endsAt].toSorted(([, one], [, other]) => one - other)) {
      if (endsAt > this.#now) continue;
      this.#endsAt.delete(sid);
      for (const { stream } of this.rows.filter((row) => row.sid === sid)) {
        const event = this.leave(stream, sid);
        if (event !== null && event !== "refused") events.push([stream, event]);
      }
    }
    return events;
  }
}

async function compare(
  { presence, ttlMs, pass }: PresenceUnderTest,
  steps: readonly PresenceStep[],
  soonMs: number,
): Promise<void> {
  const naive = new NaivePresence();
  const expired = expirations(presence);
  for (const step of steps) {
    if (step.do === "join") {
      const outcome = await presence.join(step.stream, step.sid, step.id, step.info);
      expect(eventOf(outcome)).toEqual(naive.join(step.stream, step.sid, step.id, step.info));
    } else if (step.do === "leave") {
      const outcome = await presence.leave(step.stream, step.sid);
      expect(eventOf(outcome)).toEqual(naive.leave(step.stream, step.sid));
    } else if (step.do === "resumed") {
      await presence.resumed(step.from, step.sid);
      naive.resumed(step.from, step.sid);
    } else if (step.do === "disconnected") {
      // A little after the third, so that passing three of them is passing the time to live.
      await presence.disconnected(step.sid);
      naive.disconnected(step.sid, 3);
    } else {
      await pass((step.thirds * ttlMs) / 3 + soonMs);
      const events = naive.pass(step.thirds);
      expect(texts(expired.splice(0))).toEqual(texts(events));
    }
    for (const stream of ["s", "t"]) {
      const rows = naive.rows.filter((row) => row.stream === stream);
      const listed = Object.fromEntries(rows.map(({ id, info }) => [id, Number(info)]));
      expect(await listOf(presence, stream)).toEqual(listed);
    }
  }
}

function eventOf(outcome: PresenceOutcome): PresenceEvent | null | "refused" {
  return outcome.done ? outcome.event : "refused";
}

/** Sessions that are lost at once are taken out in any order. */
function texts(events: readonly unknown[]): string[] {
  return events.map((event) => JSON.stringify(event)).toSorted();
}
