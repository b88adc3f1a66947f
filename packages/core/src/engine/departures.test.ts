import { describe, expect, test } from "bun:test";
import type { Session } from "../session/session.ts";
import { CHAT, GOOD, PUBSUB, settle, setUp } from "../testing/engine-rig.ts";
import { commandReply, ScriptedBackend } from "../testing/scripted-backend.ts";

describe("ending", () => {
  test("tells the application of a session that it had a part in, with the state of its channels", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { session, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply({ istate: { room: "1" } }));
    await settle();
    engine.closed(session);
    await engine.shutdown(1000);
    expect(backend.disconnects).toMatchObject([
      { identifiers: '{"user":1}', subscriptions: [CHAT], env: { istate: { [CHAT]: '{"room":"1"}' } } },
    ]);
  });

  test("loses no state, whatever the channel is called", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { session, say } = open(GOOD);
    const identifiers = ["__proto__", "constructor"];
    for (const [index, identifier] of identifiers.entries()) {
      say({ command: "subscribe", identifier });
      backend.commands[index]?.resolve(commandReply({ istate: { room: identifier } }));
      await settle();
    }
    engine.closed(session);
    await engine.shutdown(1000);
    const [told] = backend.disconnects;
    expect(told?.subscriptions).toEqual(identifiers);
    expect(Object.entries(told?.env.istate ?? {})).toEqual(
      identifiers.map((identifier) => [identifier, JSON.stringify({ room: identifier })]),
    );
  });

  test("does not tell it of one that it never heard of", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { session, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    engine.closed(session);
    await engine.shutdown(1000);
    expect(backend.disconnects).toEqual([]);
  });

  test("a shutdown tells every client and closes when its queue is empty (D13)", async () => {
    const { engine, open, clock } = setUp();
    const quick = open(GOOD);
    const slow = open(GOOD);
    slow.connection.buffered = 500;
    const done = engine.shutdown(10_000);
    const restart = '{"type":"disconnect","reason":"server_restart","reconnect":true}';
    expect(quick.connection.closedWith).toEqual({ code: 1001, reason: "Server restart" });
    expect(slow.connection.sent.at(-1)).toBe(restart);
    expect(slow.connection.closedWith).toBeNull();
    slow.connection.buffered = 0;
    clock.advance(100);
    await done;
    expect(slow.connection.closedWith).toEqual({ code: 1001, reason: "Server restart" });
  });

  test("a shutdown tells the application at once, however long a client takes to read", async () => {
    const backend = new ScriptedBackend();
    const { engine, open, clock } = setUp({ backend, options: { disconnectMode: "always" } });
    const slow = open(GOOD);
    slow.connection.buffered = 500;
    open(GOOD);
    const done = engine.shutdown(1000);
    await settle();
    expect(backend.disconnects).toHaveLength(2);
    for (let i = 0; i < 30; i++) {
      clock.advance(50);
      await settle();
    }
    await done;
    expect(slow.connection.closedWith).toEqual({ code: 1001, reason: "Server restart" });
  });

  test("a shutdown does not wait for a client whose socket takes nothing for the write timeout", async () => {
    const { engine, open, clock, log, metrics } = setUp();
    const [stuck, moving] = [open(GOOD), open(GOOD)];
    stuck.connection.buffered = 500;
    moving.connection.buffered = 500;
    const done = engine.shutdown(30_000);
    for (let i = 0; i < 60; i++) {
      clock.advance(50);
      await settle();
      engine.drained(moving.session);
    }
    expect(stuck.connection.terminated).toBe(true);
    expect(moving.connection.terminated).toBe(false);
    expect(metrics.counter("timeout_server_msg_total").value).toBe(1);
    moving.connection.buffered = 0;
    clock.advance(50);
    await done;
    expect(moving.connection.closedWith?.code).toBe(1001);
    expect(log.lines.at(-1)).toMatchObject({
      level: "warn",
      message: "terminated while disconnecting active sessions",
      fields: { num: 1 },
    });
  });

  test("a shutdown with a rate tells the clients one after the other, and serves each until its turn", async () => {
    const backend = new ScriptedBackend();
    const options = { disconnectMode: "always", shutdownRatePerS: 10 } as const;
    const { engine, open, clock, log } = setUp({ backend, options });
    const clients = Array.from({ length: 20 }, () => open(GOOD));
    const left = () => clients.filter(({ connection }) => connection.closedWith !== null).length;
    let isOver = false;
    const done = engine.shutdown(30_000).then(() => {
      isOver = true;
    });
    expect(left()).toBe(1);
    for (let ms = 0; ms < 1000; ms += 50) {
      clock.advance(50);
      await settle();
    }
    expect(left()).toBe(10);
    clients[19]?.say({ command: "subscribe", identifier: PUBSUB });
    expect(clients[19]?.connection.sent.at(-1)).toContain("confirm_subscription");
    engine.closed(clients[18]?.session as Session); // there are twenty
    for (let ms = 0; ms < 1200 && !isOver; ms += 50) {
      clock.advance(50);
      await settle();
    }
    await done;
    expect(left()).toBe(19);
    for (const { connection } of clients.filter((_, index) => index !== 18)) {
      expect(connection.sent.at(-1)).toContain("server_restart");
      expect(connection.closedWith).toEqual({ code: 1001, reason: "Server restart" });
    }
    expect(backend.disconnects).toHaveLength(20);
    expect(log.lines.filter(({ message }) => message === "all active connections closed")).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test("a shutdown whose time is too short for its rate is done in time", async () => {
    const { engine, open, clock } = setUp({ options: { shutdownRatePerS: 1 } });
    const clients = Array.from({ length: 100 }, () => open(GOOD));
    const done = engine.shutdown(2000);
    for (let ms = 0; ms < 1700; ms += 50) {
      clock.advance(50);
      await settle();
    }
    await done;
    for (const { connection } of clients) expect(connection.closedWith?.code).toBe(1001);
  });

  test("nothing of the engine runs after a shutdown", async () => {
    const { engine, open, clock } = setUp();
    open(GOOD);
    await engine.shutdown(1000);
    expect(clock.pendingTimers).toBe(0);
    expect(engine.sessions.size).toBe(0);
  });

  test("a connection that has ended is not counted as ended again", () => {
    const { engine, open, metrics } = setUp();
    const { session } = open(GOOD);
    engine.closed(session);
    engine.drop(session, "internal_error");
    engine.terminate(session, "write_timeout");
    expect([...metrics.labelled("disconnects_total").samples()]).toEqual([]);
  });
});
