import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Answer } from "./answer.ts";
import type { Backlog, History, Position } from "./history.ts";

/** What an adapter under test is to be like. */
export interface HistorySettings {
  readonly limit: number;
  readonly ttlMs: number;
}

/** An adapter under test, empty, and the time that it goes by. */
export interface HistoryUnderTest {
  readonly history: History;
  /** Wall time in milliseconds, as the adapter knows it. */
  nowMs(): number;
  /** Lets so much time go by. */
  pass(ms: number): Answer<void>;
  stop(): Answer<void>;
}

/** What is to be known of an adapter before it is tested; where time cannot be made to pass, it has to be waited for. */
export interface HistoryPace {
  /** The shortest time to live that is worth testing. */
  readonly ttlMs: number;
  /** How late it may notice that something has expired; it may look once a second, and round to seconds. */
  readonly lateMs?: number;
  /** How many examples of a property are tried. */
  readonly examples?: number;
}

const ROOMY: HistorySettings = { limit: 100, ttlMs: 60_000 };

/** What every adapter of history does, whatever it keeps it in. */
export function historyContract(
  name: string,
  { ttlMs: shortestMs, lateMs = 2500, examples = 30 }: HistoryPace,
  make: (settings: HistorySettings) => Answer<HistoryUnderTest>,
): void {
  describe(`${name} keeps history`, () => {
    const started: HistoryUnderTest[] = [];
    afterEach(async () => {
      for (const under of started.splice(0)) await under.stop();
    });
    const start = async (settings: HistorySettings) => {
      const under = await make(settings);
      started.push(under);
      return under;
    };

    test("with offsets from 1 on in each stream, and an epoch that stays", async () => {
      const { history } = await start(ROOMY);
      const first = await appended(history, "a", "1");
      expect(first).toEqual({ epoch: expect.stringMatching(/./), offset: 1 });
      expect(await appended(history, "a", "2")).toEqual({ epoch: first.epoch, offset: 2 });
      expect((await appended(history, "b", "3")).offset).toBe(1);
      expect(await history.head("a")).toEqual({ epoch: first.epoch, offset: 2 });
      expect(await history.head("never")).toBeNull();
    });

    test("and tells what came after a position, oldest first, up to none for who has the last message", async () => {
      const { history } = await start(ROOMY);
      const { epoch } = await appendAll(history, "a", 3);
      expect(await history.after("a", { epoch, offset: 1 })).toEqual(
        backlog(epoch, { offset: 2, message: "2" }, { offset: 3, message: "3" }),
      );
      expect(await history.after("a", { epoch, offset: 3 })).toEqual(backlog(epoch));
    });

    test("and tells all of it to who is exactly before the oldest message (D23)", async () => {
      const { history } = await start({ ...ROOMY, limit: 2 });
      const { epoch } = await appendAll(history, "a", 4);
      expect(await textsAfter(history, "a", { epoch, offset: 2 })).toEqual(["3", "4"]);
      const fresh = await appendAll(history, "b", 2);
      expect(await textsAfter(history, "b", { epoch: fresh.epoch, offset: 0 })).toEqual(["1", "2"]);
    });

    test("and says that it cannot tell where something may be missing", async () => {
      const { history } = await start({ ...ROOMY, limit: 2 });
      const { epoch } = await appendAll(history, "a", 4);
      for (const [stream, position] of [
        ["a", { epoch, offset: 1 }],
        ["a", { epoch, offset: 5 }],
        ["a", { epoch: `${epoch}x`, offset: 3 }],
        ["a", { epoch: "", offset: 0 }],
        ["never", { epoch, offset: 0 }],
        ["never", { epoch, offset: 1 }],
      ] as const) {
        const answer = await history.after(stream, position);
        expect({ stream, position, answer }).toEqual({
          stream,
          position,
          answer: { kept: false, why: expect.stringMatching(/^\S.*[^.]$/) },
        });
      }
    });

    test("and tells what came since a time, that second included; of a stream never seen that is nothing", async () => {
      const { history, nowMs, pass } = await start(ROOMY);
      await appendAll(history, "a", 2);
      await pass(2000);
      const nowS = Math.floor(nowMs() / 1000);
      await appended(history, "a", "3");
      expect(await textsSince(history, "a", nowS)).toEqual(["3"]);
      expect(await textsSince(history, "a", nowS - 60)).toEqual(["1", "2", "3"]);
      expect(await textsSince(history, "a", nowS + 60)).toEqual([]);
      expect(await textsSince(history, "never", 1)).toEqual([]);
    });

    test("of so many messages of a stream, whatever there is in others", async () => {
      const { history } = await start({ ...ROOMY, limit: 3 });
      await appendAll(history, "other", 3);
      for (let number = 1; number <= 20; number++) {
        await appended(history, "a", String(number));
        const kept = Array.from({ length: Math.min(3, number) }, (_, back) =>
          String(number - back),
        ).reverse();
        expect(await textsSince(history, "a", 1)).toEqual(kept);
      }
      expect(await textsSince(history, "other", 1)).toEqual(["1", "2", "3"]);
    });

    test("of no messages where it is to keep none (D26)", async () => {
      const { history } = await start({ ...ROOMY, limit: 0 });
      expect(await history.append("a", "1")).toBeNull();
      expect(await history.head("a")).toBeNull();
      expect((await history.since("a", 1)).kept).toBe(false);
    });

    test("for its time to live, and goes on counting: who is up to date stays so (D23)", async () => {
      const { history, pass } = await start({ limit: 100, ttlMs: shortestMs });
      const { epoch } = await appendAll(history, "a", 2);
      expect(await textsSince(history, "a", 1)).toEqual(["1", "2"]);
      await pass(shortestMs + lateMs);
      expect(await history.after("a", { epoch, offset: 2 })).toEqual(backlog(epoch));
      expect((await history.after("a", { epoch, offset: 1 })).kept).toBe(false);
      expect(await textsSince(history, "a", 1)).toEqual([]);
      expect(await appended(history, "a", "3")).toEqual({ epoch, offset: 3 });
      expect(await textsAfter(history, "a", { epoch, offset: 2 })).toEqual(["3"]);
    });

    test("of a stream that it forgot under another epoch (D24)", async () => {
      const { history, pass } = await start({ limit: 100, ttlMs: shortestMs });
      const { epoch } = await appendAll(history, "a", 2);
      await pass(10 * shortestMs + lateMs);
      for (const offset of [0, 1, 2, 3])
        expect((await history.after("a", { epoch, offset })).kept).toBe(false);
      const again = await appended(history, "a", "3");
      expect(again.epoch).not.toBe(epoch);
      for (const offset of [0, 1, 2]) expect((await history.after("a", { epoch, offset })).kept).toBe(false);
      expect(await textsAfter(history, "a", { ...again, offset: again.offset - 1 })).toEqual(["3"]);
    });

    test.each(["__proto__", "a.b*c>d/e f", "ü😀", " ", "{tag}", "x".repeat(300), "line\nbreak"])(
      "of a stream that is named %j",
      async (stream) => {
        const { history } = await start(ROOMY);
        const { epoch } = await appendAll(history, stream, 2);
        expect(await textsAfter(history, stream, { epoch, offset: 1 })).toEqual(["2"]);
      },
    );

    test("with its messages as they were", async () => {
      const { history } = await start(ROOMY);
      const messages = [
        '""',
        '{"a":[1,null,"ü😀\\u2028"]}',
        "12345678901234567890",
        `"${"x".repeat(100_000)}"`,
      ];
      for (const message of messages) await appended(history, "a", message);
      expect(await textsSince(history, "a", 1)).toEqual(messages);
    });

    test("in the order of its calls, also where it was not waited for", async () => {
      const { history } = await start({ ...ROOMY, limit: 1000 });
      const calls = Array.from({ length: 50 }, (_, index) => ({
        position: history.append("a", String(index + 1)),
        head: history.head("a"),
      }));
      for (const [index, { position, head }] of calls.entries()) {
        expect((await position)?.offset).toBe(index + 1);
        expect((await head)?.offset).toBe(index + 1);
      }
      expect(await textsSince(history, "a", 1)).toEqual(calls.map((_, index) => String(index + 1)));
    });

    test("such that from any position on there is no gap", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 7 }),
          fc.array(fc.nat(2), { maxLength: 30 }),
          async (limit, streams) => {
            const under = await make({ ...ROOMY, limit });
            const written = new Map<string, string[]>();
            const epochs = new Map<string, string>();
            for (const [index, which] of streams.entries()) {
              const texts = written.get(`s${which}`) ?? [];
              written.set(`s${which}`, [...texts, String(index)]);
              const { epoch } = await appended(under.history, `s${which}`, String(index));
              epochs.set(`s${which}`, epoch);
            }
            for (const [stream, texts] of written) {
              const epoch = epochs.get(stream) ?? "";
              for (let offset = 0; offset <= texts.length + 1; offset++) {
                const answer = await under.history.after(stream, { epoch, offset });
                const isTold = offset >= texts.length - limit && offset <= texts.length;
                expect(answer.kept).toBe(isTold);
                if (answer.kept)
                  expect(answer.messages).toEqual(
                    texts.slice(offset).map((message, at) => ({ offset: offset + at + 1, message })),
                  );
              }
            }
            await under.stop();
          },
        ),
        { numRuns: examples },
      );
    });
  });
}

async function appended(history: History, stream: string, message: string): Promise<Position> {
  const position = await history.append(stream, message);
  if (position === null) throw new Error("nothing was kept");
  return position;
}

/** Messages `1` to `count`; where the last one stands. */
async function appendAll(history: History, stream: string, count: number): Promise<Position> {
  let last = await appended(history, stream, "1");
  for (let number = 2; number <= count; number++) last = await appended(history, stream, String(number));
  return last;
}

const backlog = (epoch: string, ...messages: { offset: number; message: string }[]): Backlog => ({
  kept: true,
  epoch,
  messages,
});

function texts(answer: Backlog): string[] {
  if (!answer.kept) throw new Error(answer.why);
  return answer.messages.map(({ message }) => message);
}

const textsAfter = async (history: History, stream: string, position: Position) =>
  texts(await history.after(stream, position));

const textsSince = async (history: History, stream: string, sinceS: number) =>
  texts(await history.since(stream, sinceS));
