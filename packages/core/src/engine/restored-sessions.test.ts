import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MemoryHistory } from "../broker/memory-history.ts";
import { MemoryPresence } from "../broker/memory-presence.ts";
import { MemorySessions } from "../broker/memory-sessions.ts";
import type { Backend } from "../rpc/backend.ts";
import { CHAT, GOOD, PUBSUB, settle, setUp } from "../testing/engine-rig.ts";
import { commandReply, ScriptedBackend } from "../testing/scripted-backend.ts";
import { SeededRandom } from "../testing/seeded-random.ts";

const HOUR_MS = 3_600_000;

function start(backend?: Backend) {
  const rig = setUp({
    ...(backend === undefined ? {} : { backend }),
    // Whatever is published is held for a client that is back, and not too much of it.
    options: { maxPendingBytes: 0 },
    broker: (clock) => ({
      history: new MemoryHistory({ limit: 1000, ttlMs: HOUR_MS }, clock, new SeededRandom(1)),
      sessions: new MemorySessions({ clock, ttlMs: HOUR_MS }),
      presence: new MemoryPresence(clock, 15_000),
      close: () => {},
    }),
  });
  const come = (formerSid?: string) =>
    rig.open(formerSid === undefined ? GOOD : { ...GOOD, formerSid }, {}, true);
  const publish = (data: number) => rig.engine.publish(`{"stream":"chat","data":"${data}"}`);
  return { ...rig, come, publish };
}

type Client = ReturnType<ReturnType<typeof start>["come"]>;

/** What the client was sent, short: the number of a message, else its type. */
const heard = ({ connection }: Client): unknown[] =>
  connection.sent.map((frame) => {
    const { type, message } = JSON.parse(frame);
    return type ?? message;
  });

/** A client whose connection broke when it had been sent the confirmation of this channel, and that is back. */
function backIn(rig: ReturnType<typeof start>, identifier = PUBSUB): Client {
  const before = rig.come();
  before.say({ command: "subscribe", identifier });
  before.connection.terminate();
  return rig.come(before.session.sid);
}

const fromNow = (identifier = PUBSUB) => ({ command: "history", identifier, history: { streams: {} } });

describe("a session that was restored", () => {
  test("hears what was published meanwhile once it has asked for what it missed", () => {
    const rig = start();
    const client = backIn(rig);
    rig.publish(1);
    expect(heard(client)).toEqual(["welcome"]);
    client.say(fromNow());
    rig.publish(2);
    expect(heard(client)).toEqual(["welcome", "confirm_history", 1, 2]);
  });

  test("hears it after five seconds when it asks for nothing", () => {
    const rig = start();
    const client = backIn(rig);
    rig.publish(1);
    rig.clock.advance(4900);
    expect(heard(client).filter((what) => what !== "ping")).toEqual(["welcome"]);
    rig.clock.advance(150);
    rig.publish(2);
    expect(heard(client).filter((what) => what !== "ping")).toEqual(["welcome", 1, 2]);
    expect(client.session.holding).toBeNull();
  });

  test("hears it at once when it asks for nothing in so many words, which is a failure", () => {
    const rig = start();
    const client = backIn(rig);
    rig.publish(1);
    client.say({ command: "history", identifier: PUBSUB });
    expect(heard(client)).toEqual(["welcome", 1]);
    expect(rig.log.text()).toContain("history request is missing");
  });

  test("is not let go while the application is asked, for the question for history may wait behind it", async () => {
    const backend = new ScriptedBackend();
    const rig = start(backend);
    const client = backIn(rig);
    client.say({ command: "subscribe", identifier: CHAT });
    client.say({ command: "history", identifier: PUBSUB, history: { since: 1, streams: null } });
    rig.publish(1);
    rig.clock.advance(5100);
    expect(heard(client).filter((what) => what !== "ping")).toEqual(["welcome"]);
    backend.commands[0]?.resolve(commandReply());
    await settle();
    expect(heard(client).filter((what) => what !== "ping")).toEqual(["welcome", 1, "confirm_history"]);
  });

  test("leaves nothing behind when it ends while it is held", () => {
    const rig = start();
    const client = backIn(rig);
    client.connection.terminate();
    rig.publish(1);
    rig.clock.advance(6000);
    expect(heard(client)).toEqual(["welcome"]);
    expect(rig.engine.hub.streamCount).toBe(0);
  });
});

describe("a subscription whose confirmation was lost with the connection", () => {
  const subscribe = { command: "subscribe", identifier: PUBSUB, history: { since: 1, streams: {} } };

  test("is confirmed again, with its history", () => {
    const rig = start();
    const client = backIn(rig);
    rig.publish(1);
    client.say(subscribe);
    rig.publish(2);
    expect(heard(client)).toEqual(["welcome", "confirm_subscription", 1, "confirm_history", 2]);
  });

  test("has its history once when the stock client asks for it twice", () => {
    const rig = start();
    const client = backIn(rig);
    rig.publish(1);
    client.say({ ...subscribe, command: "history" });
    client.say(subscribe);
    rig.publish(2);
    expect(heard(client)).toEqual(["welcome", 1, "confirm_history", "confirm_subscription", 2]);
  });

  test("goes live when it is confirmed and no history is asked for", () => {
    const rig = start();
    const client = backIn(rig);
    rig.publish(1);
    client.say({ command: "subscribe", identifier: PUBSUB, history: {} });
    expect(heard(client)).toEqual(["welcome", "confirm_subscription", 1]);
  });

  test("is confirmed once, and only in a session that was restored", () => {
    const rig = start();
    const client = backIn(rig);
    rig.clock.advance(60_000); // however late
    client.say(subscribe);
    expect(heard(client).slice(-2)).toEqual(["confirm_subscription", "confirm_history"]);
    const before = client.connection.sent.length;
    client.say(subscribe);
    expect(client.connection.sent).toHaveLength(before);
    const fresh = rig.come();
    fresh.say({ command: "subscribe", identifier: PUBSUB });
    fresh.say({ command: "subscribe", identifier: PUBSUB });
    expect(heard(fresh)).toEqual(["welcome", "confirm_subscription"]);
  });

  /** A client that is back in a channel of the application. */
  async function backInChat() {
    const backend = new ScriptedBackend();
    const rig = start(backend);
    const before = rig.come();
    before.say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply({ streams: ["chat"], istate: { seen: "1" } }));
    await settle();
    before.connection.terminate();
    const client = rig.come(before.session.sid);
    client.say({ command: "subscribe", identifier: CHAT });
    return { backend, rig, client };
  }

  test("is the application's to confirm where it was before", async () => {
    const { backend, rig, client } = await backInChat();
    expect(backend.commands[1]?.request).toMatchObject({
      command: "subscribe",
      env: { istate: { seen: "1" } },
    });
    rig.publish(1);
    backend.commands[1]?.resolve(commandReply({ streams: ["chat"], transmissions: ['{"type":"hello"}'] }));
    await settle();
    rig.publish(2);
    expect(heard(client)).toEqual(["welcome", "hello", 1, 2]);
  });

  test("has its history also where it has been live for long, and its client has not asked before", () => {
    const rig = start();
    const before = rig.come();
    before.say({ command: "subscribe", identifier: PUBSUB });
    before.connection.terminate();
    rig.publish(1);
    const client = rig.come(before.session.sid);
    rig.clock.advance(60_000);
    client.connection.sent.length = 0;
    client.say(subscribe);
    expect(heard(client)).toEqual(["confirm_subscription", 1, "confirm_history"]);
  });

  test("takes presence with it when the application has changed its mind", async () => {
    const backend = new ScriptedBackend();
    const rig = start(backend);
    const before = rig.come();
    before.say({ command: "subscribe", identifier: CHAT, presence: { id: "u" } });
    backend.commands[0]?.resolve(commandReply({ streams: ["chat"], istate: { $p: "chat" } }));
    await settle();
    before.connection.terminate();
    const client = rig.come(before.session.sid);
    rig.clock.advance(HOUR_MS);
    client.say({ command: "subscribe", identifier: CHAT });
    const present = () => rig.engine.broker?.presence?.size().sessions;
    expect(present()).toBe(1);
    backend.commands[1]?.resolve(commandReply({ status: "failure" }));
    await settle();
    expect(client.session.state).toBe("open");
    expect(present()).toBe(0);
  });

  test("ends when the application has changed its mind", async () => {
    const { backend, rig, client } = await backInChat();
    backend.commands[1]?.resolve(commandReply({ status: "failure", transmissions: ['{"type":"no"}'] }));
    await settle();
    rig.publish(1);
    expect(heard(client)).toEqual(["welcome", "no"]);
    expect(rig.engine.hub.streamCount).toBe(0);
  });
});

describe("whatever breaks and whenever", () => {
  /** Reads as the stock client does: it keeps where it is in the stream, and asks from there. */
  function reader(rig: ReturnType<typeof start>) {
    const numbers: number[] = [];
    let position: object | null = null;
    let client = rig.come();
    client.say({ command: "subscribe", identifier: PUBSUB });
    let { sid } = client.session;
    let read = 0;
    const take = (count: number): boolean => {
      const frames = client.connection.sent.slice(read, read + count);
      read += frames.length;
      for (const frame of frames) {
        const { type, sid: next, message, epoch, offset } = JSON.parse(frame);
        if (type === "welcome") sid = next;
        if (type !== undefined) continue;
        numbers.push(message);
        position = { epoch, offset };
      }
      return frames.length > 0;
    };
    return {
      numbers,
      /** The client gets some of what it was sent, if there is any; the rest is still under way. */
      take,
      takeAll: () => take(client.connection.sent.length - read),
      /** What is under way is lost. The server may hear of it or not. */
      breakOff(heardOf: boolean) {
        if (heardOf) client.connection.terminate();
        client = rig.come(sid);
        read = 0;
      },
      ask() {
        const streams = position === null ? {} : { chat: position };
        client.say({ command: "history", identifier: PUBSUB, history: { since: 1, streams } });
      },
    };
  }

  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ do: "publish" as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const), count: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("break" as const), heardOf: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ do: "wait" as const }) },
  );

  test("each message comes once and in order to who asks from where it was", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const rig = start();
        const client = reader(rig);
        client.takeAll();
        let published = 0;
        let owed = false; // the question, once the welcome is read
        for (const what of steps) {
          if (what.do === "publish") {
            published += 1;
            rig.publish(published);
          } else if (what.do === "take") {
            if (!client.take(what.count) || !owed) continue;
            client.ask();
            owed = false;
          } else if (what.do === "break") {
            client.breakOff(what.heardOf);
            owed = true;
          } else {
            rig.clock.advance(10); // the client is in time
          }
        }
        client.takeAll();
        if (owed) client.ask();
        client.takeAll();
        expect(client.numbers).toEqual(Array.from({ length: published }, (_, at) => at + 1));
      }),
      { numRuns: 300 },
    );
  });
});
