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
