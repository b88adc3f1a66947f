import { describe, expect, test } from "bun:test";
import { GOOD, PUBSUB, setUp } from "../testing/engine-rig.ts";

describe("heartbeat", () => {
  test("pings after half to one and a half of the interval, then every interval", () => {
    const { open, clock } = setUp();
    const { connection } = open(GOOD);
    clock.advance(1450);
    expect(connection.sent).toHaveLength(1);
    clock.advance(3100);
    const pings = connection.sent.length - 1;
    expect(pings).toBeGreaterThanOrEqual(1);
    clock.advance(30_000);
    expect(connection.sent.length - 1 - pings).toBe(10);
    expect(connection.sent.at(-1)).toMatch(/^\{"type":"ping","message":\d{10}\}$/);
  });

  test("gives up a client that answers no ping, and not one that does", () => {
    const { open, clock } = setUp();
    const silent = open(GOOD, { pongTimeoutMs: 2000 });
    const lively = open(GOOD, { pongTimeoutMs: 2000 });
    for (let i = 0; i < 200; i++) {
      clock.advance(100);
      lively.say({ command: "pong" });
    }
    expect(silent.connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"no_pong","reconnect":true}');
    expect(silent.connection.closedWith).toEqual({ code: 1000, reason: "No Pong" });
    expect(lively.connection.closedWith).toBeNull();
  });

  test.each([1000, 2000, 5000])(
    "a WebSocket pong answers a ping for good, with %d ms to answer it in",
    (pongTimeoutMs) => {
      const { engine, open, clock } = setUp({ options: { nativePings: true } });
      const [lively, silent] = [open(GOOD, { pongTimeoutMs }), open(GOOD, { pongTimeoutMs })];
      let answered = 0;
      for (let i = 0; i < 600; i++) {
        clock.advance(50);
        if (lively.connection.pings > answered) {
          answered = lively.connection.pings;
          engine.nativePong(lively.session);
        }
      }
      expect(lively.connection.closedWith).toBeNull();
      expect(answered).toBeGreaterThanOrEqual(9);
      expect(silent.connection.closedWith).toEqual({ code: 1000, reason: "No Pong" });
    },
  );

  test("a client is given up once a ping is unanswered for the timeout, and no sooner", () => {
    const { open, clock } = setUp();
    const { connection, say } = open(GOOD, { pongTimeoutMs: 1000 });
    let nowMs = 0;
    const until = (done: () => boolean) => {
      for (; !done(); nowMs += 50) clock.advance(50);
      return nowMs;
    };
    until(() => connection.sent.length === 2);
    say({ command: "pong" });
    const pingedAtMs = until(() => connection.sent.length === 3);
    const givenUpAtMs = until(() => connection.closedWith !== null);
    expect(givenUpAtMs - pingedAtMs).toBeGreaterThanOrEqual(1000);
    expect(givenUpAtMs - pingedAtMs).toBeLessThanOrEqual(1100);
  });

  test("says nothing more to a client that has gone", () => {
    const { engine, open, clock } = setUp();
    const { connection, session } = open(GOOD);
    engine.closed(session);
    clock.advance(10_000);
    expect(connection.sent).toHaveLength(1);
  });

  test("sends no pings, and expects no answer, where the client asked for none", () => {
    const { open, clock } = setUp();
    const { connection } = open(GOOD, { pongTimeoutMs: 1000, pingIntervalMs: 0 });
    clock.advance(60_000);
    expect(connection.sent).toHaveLength(1);
    expect(connection.closedWith).toBeNull();
  });

  test.each([
    ["s", /^\{"type":"ping","message":1795427\d{3}\}$/],
    ["ms", /^\{"type":"ping","message":1795427\d{6}\}$/],
    ["ns", /^\{"type":"ping","message":1795427\d{6}000000\}$/],
  ] as const)("gives the time in %s", (pingPrecision, form) => {
    const { open, clock } = setUp();
    const { connection } = open(GOOD, { pingPrecision });
    clock.advance(4600);
    expect(connection.sent[1]).toMatch(form);
  });
});

describe("slow clients", () => {
  test("tells a client that does not keep up and closes it (D29)", () => {
    const { engine, open, clock, metrics } = setUp();
    const { connection } = open(GOOD);
    connection.buffered = 1001;
    engine.publish('{"stream":"other","data":"1"}');
    clock.advance(200);
    expect(connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"too_slow","reconnect":true}');
    expect(connection.closedWith).toEqual({ code: 1000, reason: "" });
    expect(metrics.counter("disconnected_slow_clients_total").value).toBe(1);
  });

  test("looks before a burst is over, and not before as much was published as may wait", () => {
    const { engine, open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    connection.buffered = 1001;
    const head = `{"identifier":${JSON.stringify(PUBSUB)},"message":}`.length;
    const publication = (bytes: number) => JSON.stringify({ stream: "chat", data: "1".repeat(bytes - head) });
    engine.publish(publication(900));
    expect(connection.closedWith).toBeNull();
    engine.publish(publication(100));
    expect(connection.sent.at(-1)).toContain("too_slow");
    expect(connection.closedWith).toEqual({ code: 1000, reason: "" });
  });

  test("cuts a client whose socket takes nothing for the write timeout", () => {
    const { engine, open, clock, metrics } = setUp();
    const stuck = open(GOOD);
    const moving = open(GOOD);
    stuck.connection.buffered = 10;
    moving.connection.buffered = 10;
    engine.publish('{"stream":"other","data":"1"}');
    for (let i = 0; i < 30; i++) {
      clock.advance(100);
      engine.drained(moving.session);
    }
    expect(stuck.connection.terminated).toBe(true);
    expect(moving.connection.terminated).toBe(false);
    expect(metrics.counter("timeout_server_msg_total").value).toBe(1);
  });
});
