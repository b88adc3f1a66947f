import { describe, expect, test } from "bun:test";
import { MemoryHistory } from "../../broker/memory-history.ts";
import { CHAT, GOOD, PUBSUB, settle, setUp } from "../../testing/engine-rig.ts";
import type { ManualClock } from "../../testing/manual-clock.ts";
import { commandReply, ScriptedBackend } from "../../testing/scripted-backend.ts";
import { SeededRandom } from "../../testing/seeded-random.ts";
import { SlowHistory } from "../../testing/slow-history.ts";

const memory = (clock: ManualClock, limit = 100) =>
  new MemoryHistory({ limit, ttlMs: 60_000 }, clock, new SeededRandom(1));
const broker = (history: MemoryHistory | SlowHistory) => ({
  history,
  sessions: null,
  presence: null,
  close: () => {},
});
const withMemory = (limit?: number) => setUp({ broker: (clock) => broker(memory(clock, limit)) });

function withSlowHistory() {
  let history: SlowHistory | null = null;
  const rig = setUp({
    broker: (clock) => {
      history = new SlowHistory(memory(clock));
      return broker(history);
    },
  });
  const slow = history as unknown as SlowHistory; // set by the call above
  const answer = async (count?: number) => {
    slow.answer(count);
    for (let turn = 0; turn < 10; turn++) await settle();
  };
  return { ...rig, slow, answer };
}

const EPOCH = new SeededRandom(1).id(8);
const framed = (message: number, offset: number, identifier = PUBSUB) =>
  `{"identifier":${JSON.stringify(identifier)},"message":${message},"stream_id":"chat","epoch":"${EPOCH}","offset":${offset}}`;
const confirmed = `{"type":"confirm_subscription","identifier":${JSON.stringify(PUBSUB)}}`;
const told = `{"type":"confirm_history","identifier":${JSON.stringify(PUBSUB)}}`;
const refused = `{"type":"reject_history","identifier":${JSON.stringify(PUBSUB)}}`;
const message = (data: number) => `{"stream":"chat","data":"${data}"}`;
const from = (offset: number, epoch = EPOCH) => ({ streams: { chat: { epoch, offset } } });
const subscribe = (history?: object) => ({ command: "subscribe", identifier: PUBSUB, history });
const ask = (history?: object) => ({ command: "history", identifier: PUBSUB, history });

describe("with a broker a publication", () => {
  test("says where it stands in its stream, also with a type of its own", () => {
    const { engine, open } = withMemory();
    const { say, connection } = open(GOOD);
    say(subscribe());
    engine.publish(message(1));
    engine.publish('{"stream":"chat","data":"2","meta":{"broadcast_type":"note"}}');
    expect(connection.sent.slice(2)).toEqual([framed(1, 1), `{"type":"note",${framed(2, 2).slice(1)}`]);
  });

  test("that is transient has no position and is not kept, and neither is a whisper", () => {
    const { engine, open } = withMemory();
    const [first, second] = [open(GOOD), open(GOOD)];
    for (const { say } of [first, second]) say(subscribe());
    engine.publish('{"stream":"chat","data":"1","meta":{"transient":true}}');
    first.say({ command: "whisper", identifier: PUBSUB, data: 2 });
    engine.publish(message(3));
    expect(second.connection.sent.slice(2)).toEqual([
      `{"identifier":${JSON.stringify(PUBSUB)},"message":1}`,
      `{"identifier":${JSON.stringify(PUBSUB)},"message":2}`,
      framed(3, 1),
    ]);
  });

  test("has no position where history keeps nothing (D26)", () => {
    const { engine, open } = withMemory(0);
    const { say, connection } = open(GOOD);
    say(subscribe({ since: 1 }));
    engine.publish(message(1));
    expect(connection.sent.slice(1)).toEqual([
      confirmed,
      refused,
      `{"identifier":${JSON.stringify(PUBSUB)},"message":1}`,
    ]);
  });
});

describe("a client that asks for history", () => {
  test("as it subscribes is confirmed, told what it missed, and hears the rest", () => {
    const { engine, open } = withMemory();
    for (const number of [1, 2, 3]) engine.publish(message(number));
    const { say, connection } = open(GOOD);
    say(subscribe(from(1)));
    engine.publish(message(4));
    expect(connection.sent.slice(1)).toEqual([confirmed, framed(2, 2), framed(3, 3), told, framed(4, 4)]);
  });

  test("on a channel of the application hears the application's transmissions first", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend, broker: (clock) => broker(memory(clock)) });
    engine.publish(message(1));
    const { say, connection } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT, history: { since: 1 } });
    backend.commands.at(-1)?.resolve(commandReply({ streams: ["chat"], transmissions: ["hello"] }));
    await settle();
    expect(connection.sent.slice(1)).toEqual([
      "hello",
      framed(1, 1, CHAT),
      `{"type":"confirm_history","identifier":${JSON.stringify(CHAT)}}`,
    ]);
  });

  test.each([
    ["exactly before the oldest message that is kept (D23)", from(2), [framed(3, 3), framed(4, 4), told]],
    ["at the last message", from(4), [told]],
    ["since a time", { since: 1 }, [framed(3, 3), framed(4, 4), told]],
    ["about no stream that it follows", { streams: { other: { epoch: "x", offset: 1 } } }, [told]],
    ["about no stream at all", { streams: {} }, [told]],
    ["from before the oldest message", from(1), [refused]],
    ["from ahead of the last", from(5), [refused]],
    ["of another epoch", from(3, "elsewhere"), [refused]],
    ["without a position for the stream", { streams: { chat: null } }, [refused]],
  ])("%s is answered", (_, request, answers) => {
    const { engine, open } = withMemory(2);
    for (const number of [1, 2, 3, 4]) engine.publish(message(number));
    const { say, connection } = open(GOOD);
    say(subscribe());
    say(ask(request));
    expect(connection.sent.slice(2)).toEqual(answers);
  });

  test("and is up to date is confirmed also when all messages have expired (D23)", () => {
    const { engine, open, clock } = withMemory();
    engine.publish(message(1));
    clock.advance(120_000);
    const { say, connection } = open(GOOD);
    say(subscribe(from(1)));
    expect(connection.sent.slice(1)).toEqual([confirmed, told]);
  });

  test("again and again, and reads nothing, is not told more than may wait (1000 bytes here)", () => {
    const { engine, open } = withMemory();
    engine.publish(message(1));
    const { say, connection } = open(GOOD);
    say(subscribe());
    connection.buffered = 800;
    say(ask({ since: 1 }));
    connection.buffered = 1000;
    for (let again = 0; again < 4; again++) say(ask({ since: 1 }));
    expect(connection.sent.slice(2)).toEqual([framed(1, 1), told]);
    say(ask({ since: 1 }));
    expect(connection.closedWith).toEqual({ code: 1008, reason: "Too many pending commands" });
  });

  test("is told in pieces what is more than may wait for it (1000 bytes here), and hears the rest behind that", async () => {
    const { engine, open, clock } = withMemory();
    for (let number = 1; number <= 20; number++) engine.publish(message(number));
    const { say, connection } = open(GOOD);
    const told20 = Array.from({ length: 20 }, (_, index) => framed(index + 1, index + 1));
    connection.buffered = 600;
    say(subscribe(from(0)));
    say({ command: "ping" });
    engine.publish(message(21));
    clock.advance(60);
    await settle();
    expect(connection.sent.slice(1)).toEqual([confirmed]);
    connection.buffered = 500;
    clock.advance(60);
    for (let turn = 0; turn < 5; turn++) await settle();
    engine.publish(message(22));
    expect(connection.sent.slice(1)).toEqual([
      confirmed,
      ...told20,
      told,
      framed(21, 21),
      '{"type":"pong"}',
      framed(22, 22),
    ]);
  });

  test("and goes while it is told in pieces leaves nothing behind", async () => {
    const { engine, open, clock } = withMemory();
    for (let number = 1; number <= 20; number++) engine.publish(message(number));
    const { say, connection } = open(GOOD);
    connection.buffered = 600;
    say(subscribe(from(0)));
    connection.terminate();
    const timers = clock.pendingTimers;
    clock.advance(60);
    await settle();
    expect(clock.pendingTimers).toBeLessThan(timers);
    expect(engine.population().streams).toBe(0);
    expect(connection.sent).toHaveLength(2);
  });

  test("is told of all streams, or of none where one of them cannot be told", async () => {
    const backend = new ScriptedBackend();
    const { engine, open, metrics } = setUp({ backend, broker: (clock) => broker(memory(clock)) });
    for (const stream of ["a", "b"]) engine.publish(`{"stream":"${stream}","data":"1"}`);
    const { say, connection } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands.at(-1)?.resolve(commandReply({ streams: ["a", "b"] }));
    await settle();
    const at = (offset: number) => ({ epoch: EPOCH, offset });
    const offsets = () => connection.sent.splice(0).map((frame) => JSON.parse(frame).stream_id ?? frame);
    connection.sent.length = 0;
    const rejected = `{"type":"reject_history","identifier":${JSON.stringify(CHAT)}}`;
    say({ command: "history", identifier: CHAT, history: { streams: { a: at(0), b: at(7) } } });
    expect(offsets()).toEqual([rejected]);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
    say({ command: "history", identifier: CHAT, history: { since: 1, streams: { a: at(1) } } });
    expect(offsets()).toEqual(["b", rejected.replace("reject", "confirm")]);
  });
});

describe("where history takes a while", () => {
  test("publications and whispers of a stream keep their order, and other streams do not wait", async () => {
    const { engine, open, answer } = withSlowHistory();
    const clients = [open(GOOD), open(GOOD)];
    for (const { say } of clients) say(subscribe());
    const [first, second] = clients;
    second?.connection.sent.splice(0);
    const published = engine.publish(`[${message(1)},${message(2)}]`);
    first?.say({ command: "whisper", identifier: PUBSUB, data: 3 });
    engine.publish(message(4));
    expect(second?.connection.sent).toEqual([]);
    await answer(2);
    expect(await published).toEqual({ accepted: true });
    await answer();
    expect(second?.connection.sent.map((frame) => JSON.parse(frame).message)).toEqual([1, 2, 3, 4]);
    first?.say({ command: "whisper", identifier: PUBSUB, data: 5 });
    expect(second?.connection.sent).toHaveLength(5);
  });

  test("a publication that it cannot take goes to nobody, and its publisher hears of it", async () => {
    const { engine, open, slow, answer } = withSlowHistory();
    const { say, connection } = open(GOOD);
    say(subscribe());
    slow.failNext = new Error("no route to the store");
    const published = engine.publish(message(1));
    engine.publish(message(2));
    await answer();
    expect(await published).toMatchObject({ accepted: false, fault: "unavailable" });
    expect(connection.sent.slice(2)).toEqual([framed(2, 1)]);
  });

  test("a client hears live messages behind its backlog, and its next command waits", async () => {
    const { engine, open, answer } = withSlowHistory();
    engine.publish(message(1));
    await answer();
    const other = open(GOOD);
    other.say(subscribe());
    const { say, connection } = open(GOOD);
    say(subscribe({ since: 1 }));
    say({ command: "ping" });
    other.say({ command: "whisper", identifier: PUBSUB, data: 9 });
    engine.publish(message(2));
    expect(connection.sent.slice(1)).toEqual([confirmed]);
    await answer();
    expect(connection.sent.slice(2)).toEqual([
      framed(1, 1),
      told,
      `{"identifier":${JSON.stringify(PUBSUB)},"message":9}`,
      framed(2, 2),
      '{"type":"pong"}',
    ]);
    expect(other.connection.sent.at(-1)).toBe(framed(2, 2));
  });

  test("a client that goes meanwhile leaves nothing behind", async () => {
    const { engine, open, answer } = withSlowHistory();
    const { say, connection } = open(GOOD);
    say(subscribe({ since: 1 }));
    connection.terminate();
    engine.publish(message(1));
    await answer();
    expect(engine.population().streams).toBe(0);
    expect(connection.sent).toHaveLength(2);
  });
});
