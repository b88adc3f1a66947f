import { describe, expect, test } from "bun:test";
import { NOT_WANTED } from "@hawser/core/session/connection";
import { GOOD, PUBSUB, setUp } from "@hawser/core/testing/engine-rig";
import { EventPrinter, formFor } from "./event-printer.ts";
import { EventTopics } from "./event-topics.ts";
import { SseConnection, type SseConnections } from "./sse-connection.ts";

const WELCOME = '{"type":"welcome","sid":"s"}';
/** More than a socket takes at once. */
const MUCH = 5_000_000;
const MESSAGE = '{"identifier":"I","message":1}';

function connection(raw = false) {
  const topics = new EventTopics();
  const counted = { begun: 0, ended: 0, gone: 0 };
  const shared: SseConnections = {
    printer: new EventPrinter(),
    topics,
    drained: () => {},
    gone: () => {
      counted.gone += 1;
    },
    begun: () => {
      counted.begun += 1;
    },
    ended: () => {
      counted.ended += 1;
    },
  };
  return {
    topics,
    counted,
    connection: new SseConnection(shared, formFor({ bare: true, raw }), "192.0.2.1"),
  };
}

describe("an event stream in the place of a socket", () => {
  test("keeps what it is sent until its response begins, and reports little of that as waiting", () => {
    const { connection: stream } = connection();
    expect(stream.send(WELCOME)).toBe(-1);
    expect(stream.getBufferedAmount()).toBe(0);
    stream.send(`{"identifier":"I","message":"${"x".repeat(MUCH)}"}`);
    expect(stream.getBufferedAmount()).toBeGreaterThan(MUCH);
  });

  test("says when more waits for its response than may", async () => {
    const { connection: stream } = connection();
    let full = 0;
    void stream.whenFull().then(() => {
      full += 1;
    });
    for (const [frame, expected] of [
      [WELCOME, 0],
      [`{"identifier":"I","message":"${"x".repeat(MUCH)}"}`, 1],
    ] as const) {
      stream.send(frame);
      await Promise.resolve();
      expect([full, stream.isFull]).toEqual([expected, expected === 1]);
    }
  });

  test("says of frames that its client does not want that they are not", () => {
    const { connection: stream } = connection(true);
    expect(stream.send(WELCOME)).toBe(NOT_WANTED);
    expect(stream.send(MESSAGE)).toBe(-1);
  });

  test("hears its topics until it is gone, and is then in none of them", () => {
    const { connection: stream, topics, counted } = connection();
    const { open } = setUp();
    const { session, say } = open(GOOD);
    stream.session = session;
    say({ command: "subscribe", identifier: PUBSUB });
    const [group] = session.subscriptions?.get(PUBSUB)?.groups ?? [];
    const topic = group?.topic ?? "";
    stream.subscribe(topic);
    topics.publish(topic, `{"identifier":"I","message":"${"x".repeat(MUCH)}"}`);
    expect(stream.getBufferedAmount()).toBeGreaterThan(MUCH);
    let heard = 0;
    stream.deliver = () => {
      heard += 1;
    };
    topics.publish(topic, MESSAGE);
    expect(heard).toBe(1);
    stream.gone();
    topics.publish(topic, MESSAGE);
    expect(heard).toBe(1);
    expect(counted).toEqual({ begun: 0, ended: 0, gone: 1 });
  });

  test("is counted from its response to its end, whatever ends it, and once", () => {
    for (const end of ["close", "terminate", "gone"] as const) {
      const { connection: stream, counted } = connection();
      stream.response({});
      expect(counted).toMatchObject({ begun: 1, ended: 0 });
      if (end === "close") stream.close(1000);
      else stream[end]();
      stream.gone();
      expect(counted).toMatchObject({ begun: 1, ended: 1 });
    }
    const { connection: refused, counted } = connection();
    refused.close(1000);
    expect(refused.closeCode).toBe(1000);
    expect(refused.send(MESSAGE)).toBe(0);
    expect(counted).toEqual({ begun: 0, ended: 0, gone: 0 });
  });
});
