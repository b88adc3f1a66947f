import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MemoryHistory } from "../broker/memory-history.ts";
import { addSubscription, type Subscription } from "../session/session.ts";
import { GOOD, PUBSUB, settle, setUp } from "../testing/engine-rig.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import { SlowHistory } from "../testing/slow-history.ts";
import { goLive, startHeldStream } from "./holding.ts";

type Rig = ReturnType<typeof setUp>;

const inMemory = (clock: ManualClock) =>
  new MemoryHistory({ limit: 1000, ttlMs: 3_600_000 }, clock, new SeededRandom(1));

function withBroker() {
  return setUp({
    broker: (clock) => ({ history: inMemory(clock), sessions: null, presence: null, close: () => {} }),
  });
}

/** A client whose subscription to the stream `chat` was restored: it is held until its history is answered. */
function openRestored(rig: Rig) {
  const client = rig.open(GOOD);
  const subscription: Subscription = { groups: [], istate: { $w: "chat" }, routed: true };
  addSubscription(client.session, PUBSUB, subscription);
  startHeldStream(rig.engine, client.session, PUBSUB, subscription, "chat");
  client.connection.sent.length = 0;
  const messages = () => client.connection.sent.map((frame) => JSON.parse(frame).message ?? "told");
  return { ...client, subscription, messages };
}

const numbered = (data: number | string) => `{"stream":"chat","data":${JSON.stringify(String(data))}}`;
const askFrom = (offset: number) => ({
  command: "history",
  identifier: PUBSUB,
  history: { streams: { chat: { epoch: new SeededRandom(1).id(8), offset } } },
});

describe("a held subscription", () => {
  test("gets nothing until its history is told, then what came meanwhile, once and in order", () => {
    const rig = withBroker();
    const live = rig.open(GOOD);
    live.say({ command: "subscribe", identifier: PUBSUB });
    for (const number of [1, 2, 3]) rig.engine.publish(numbered(number));
    const { say, messages } = openRestored(rig);
    rig.engine.publish(numbered(4));
    live.say({ command: "whisper", identifier: PUBSUB, data: "w" });
    expect(messages()).toEqual([]);
    say(askFrom(2));
    rig.engine.publish(numbered(5));
    expect(messages()).toEqual([3, 4, "told", "w", 5]);
  });

  test("gets what came meanwhile when nobody asks for its history", () => {
    const rig = withBroker();
    const { session, subscription, messages } = openRestored(rig);
    for (const number of [1, 2]) rig.engine.publish(numbered(number));
    goLive(rig.engine, session, subscription);
    goLive(rig.engine, session, subscription);
    rig.engine.publish(numbered(3));
    expect(messages()).toEqual([1, 2, 3]);
  });

  test("gets it also when its history cannot be told", () => {
    const rig = withBroker();
    const { say, messages } = openRestored(rig);
    rig.engine.publish(numbered(1));
    say(askFrom(9));
    rig.engine.publish(numbered(2));
    expect(messages()).toEqual(["told", 1, 2]);
  });

  test("does not get again what the client has from its former connection", () => {
    const rig = withBroker();
    const { say, messages } = openRestored(rig);
    for (const number of [1, 2]) rig.engine.publish(numbered(number));
    say(askFrom(1));
    expect(messages()).toEqual([2, "told"]);
  });

  test("is left out of its own whispers, and stays held", () => {
    const rig = withBroker();
    const { say, messages, session, subscription } = openRestored(rig);
    say({ command: "whisper", identifier: PUBSUB, data: "mine" });
    rig.engine.publish(numbered(1));
    expect(messages()).toEqual([]);
    goLive(rig.engine, session, subscription);
    expect(messages()).toEqual([1]);
  });

  test("holds back no other member of its group, and counts no frame that nobody was sent", () => {
    const rig = withBroker();
    const live = rig.open(GOOD);
    live.say({ command: "subscribe", identifier: PUBSUB });
    const { connection } = openRestored(rig);
    const before = rig.metrics.counter("server_msg_total").value;
    rig.engine.publish(numbered(1));
    expect(live.connection.sent).toHaveLength(3);
    expect(connection.sent).toEqual([]);
    expect(rig.metrics.counter("server_msg_total").value - before).toBe(1);
  });

  test("ends with its session or by unsubscribing, and leaves nothing behind", () => {
    const rig = withBroker();
    const first = openRestored(rig);
    const second = openRestored(rig);
    const [third] = [openRestored(rig)];
    first.connection.terminate();
    second.say({ command: "unsubscribe", identifier: PUBSUB });
    rig.engine.drop(third.session, "remote");
    expect(rig.engine.population().streams).toBe(0);
    rig.engine.publish(numbered(1));
    expect(second.connection.sent).toEqual([]);
  });

  test("of a client for which too much waits ends as that of a slow client (1000 bytes here)", () => {
    const rig = withBroker();
    const live = rig.open(GOOD);
    live.say({ command: "subscribe", identifier: PUBSUB });
    const { connection, session } = openRestored(rig);
    rig.engine.publish(numbered(`"${"x".repeat(600)}"`));
    expect(session.state).toBe("open");
    rig.engine.publish(numbered(`"${"x".repeat(600)}"`));
    expect(connection.sent).toEqual(['{"type":"disconnect","reason":"too_slow","reconnect":true}']);
    expect(rig.metrics.counter("disconnected_slow_clients_total").value).toBe(1);
    expect(live.connection.sent).toHaveLength(4);
  });
});

/** A reader that comes and goes, and remembers where it was, as the stock client does. */
class Reader {
  readonly #rig: Rig;
  readonly seen: number[] = [];
  #client: ReturnType<typeof openRestored> | (ReturnType<Rig["open"]> & { subscription: null }) | null = null;
  #position: { epoch: string; offset: number } | null = null;
  #read = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  get #history() {
    return this.#position === null ? { since: 1 } : { streams: { chat: this.#position } };
  }

  get away(): boolean {
    return this.#client === null;
  }

  subscribe(): void {
    this.#read = 0;
    const client = this.#rig.open(GOOD);
    this.#client = { ...client, subscription: null };
    client.say({ command: "subscribe", identifier: PUBSUB, history: this.#history });
  }

  resume(): void {
    this.#read = 0;
    this.#client = openRestored(this.#rig);
  }

  /** Asks for what it missed, if it was restored. */
  ask(): void {
    if (this.#client === null || this.#client.subscription === null) return;
    this.#client.say({ command: "history", identifier: PUBSUB, history: this.#history });
    this.#client = { ...this.#client, subscription: null };
  }

  cut(): void {
    this.read();
    this.#client?.connection.terminate();
    this.#client = null;
  }

  read(): void {
    const frames = this.#client?.connection.sent ?? [];
    for (const frame of frames.slice(this.#read)) {
      const { message, epoch, offset } = JSON.parse(frame);
      if (offset === undefined) continue;
      this.seen.push(message);
      this.#position = { epoch, offset };
    }
    this.#read = frames.length;
  }
}

const step = fc.constantFrom(
  ...(["publish", "publish", "publish", "whisper", "subscribe", "resume", "ask", "cut", "answer"] as const),
);

describe("whatever happens between a publication and a reader, each message comes once and in order", () => {
  test.each(["memory", "slow"] as const)("from history that is %s", async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(2)), { maxLength: 60 }), async (steps) => {
        let slow: SlowHistory | null = null;
        const rig = setUp({
          options: { maxPendingBytes: 0 },
          broker: (clock) => {
            if (kind === "slow") slow = new SlowHistory(inMemory(clock));
            return { history: slow ?? inMemory(clock), sessions: null, presence: null, close: () => {} };
          },
        });
        const answer = async (count?: number) => {
          (slow as SlowHistory | null)?.answer(count);
          for (let turn = 0; turn < 8; turn++) await settle();
        };
        const whisperer = rig.open(GOOD);
        whisperer.say({ command: "subscribe", identifier: PUBSUB });
        const readers = Array.from({ length: 3 }, () => new Reader(rig));
        let published = 0;
        for (const [what, who] of steps) {
          const reader = readers[who] as Reader;
          if (what === "publish") rig.engine.publish(numbered(++published));
          else if (what === "whisper") whisperer.say({ command: "whisper", identifier: PUBSUB, data: 0 });
          else if (what === "answer") await answer(1);
          else if (what === "ask" || what === "cut") reader[what]();
          else if (reader.away) reader[what]();
        }
        for (const reader of readers) {
          if (reader.away) reader.subscribe();
          reader.ask();
        }
        rig.engine.publish(numbered(++published));
        while (((slow as SlowHistory | null)?.waiting ?? 0) > 0) await answer();
        // A turn or two for each publication that waits for the one before it.
        for (let turn = 0; turn < 8 * published; turn++) await settle();
        const all = Array.from({ length: published }, (_, index) => index + 1);
        for (const reader of readers) {
          reader.read();
          expect(reader.seen).toEqual(all);
        }
      }),
      { numRuns: 300 },
    );
  });
});
