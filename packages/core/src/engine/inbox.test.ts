import { describe, expect, test } from "bun:test";
import { NOT_WANTED } from "../session/connection.ts";
import { CHAT, GOOD, NONE, PUBSUB, settle, setUp } from "../testing/engine-rig.ts";
import { commandReply, connectReply, ScriptedBackend } from "../testing/scripted-backend.ts";

describe("commands", () => {
  test("a public stream is confirmed in the same tick and delivers", () => {
    const { engine, open, metrics } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    expect(engine.publish('{"stream":"chat","data":"{\\"b\\":1,\\"a\\":12345678901234567890}"}')).toEqual({
      accepted: true,
    });
    expect(connection.sent.slice(1)).toEqual([
      `{"type":"confirm_subscription","identifier":${JSON.stringify(PUBSUB)}}`,
      `{"identifier":${JSON.stringify(PUBSUB)},"message":{"b":1,"a":12345678901234567890}}`,
    ]);
    expect(metrics.counter("server_msg_total").value).toBe(3);
  });

  test("does not answer a second subscribe and goes on working", () => {
    const { open, metrics } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    say({ command: "subscribe", identifier: PUBSUB });
    say({ command: "ping" });
    expect(connection.sent.slice(2)).toEqual(['{"type":"pong"}']);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
  });

  test("unsubscribing is silent, and nothing is delivered afterwards", () => {
    const { engine, open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    say({ command: "unsubscribe", identifier: PUBSUB });
    engine.publish('{"stream":"chat","data":"1"}');
    expect(connection.sent).toHaveLength(2);
    expect(engine.population().streams).toBe(0);
  });

  test("follows the streams of a reply before it confirms", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ streams: ["room"], transmissions: ["confirmed"], istate: { k: "v" } }),
    );
    await settle();
    engine.publish('{"stream":"room","data":"\\"hi\\""}');
    expect(connection.sent.slice(1)).toEqual([
      "confirmed",
      `{"identifier":${JSON.stringify(CHAT)},"message":"hi"}`,
    ]);
    say({ command: "message", identifier: CHAT, data: "{}" });
    expect(backend.commands[1]?.request).toMatchObject({
      command: "message",
      data: "{}",
      env: { istate: { k: "v" } },
    });
  });

  test("gives a rejected subscription no streams (D11)", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ status: "failure", streams: ["room"], transmissions: ["rejected"] }),
    );
    await settle();
    engine.publish('{"stream":"room","data":"1"}');
    expect(connection.sent.slice(1)).toEqual(["rejected"]);
    say({ command: "subscribe", identifier: CHAT });
    expect(backend.commands).toHaveLength(2);
  });

  test("carries out one command at a time and in order, pings included", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    say({ command: "message", identifier: CHAT, data: "1" });
    say({ command: "ping" });
    expect(backend.commands).toHaveLength(1);
    backend.commands[0]?.resolve(commandReply({ transmissions: ["a"] }));
    await settle();
    expect(connection.sent.slice(1)).toEqual(["a"]);
    backend.commands[1]?.resolve(commandReply({ transmissions: ["b"] }));
    await settle();
    expect(connection.sent.slice(1)).toEqual(["a", "b", '{"type":"pong"}']);
  });

  test("closes 1008 when more commands wait than may", () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    for (let i = 0; i < 5; i++) say({ command: "subscribe", identifier: `c${i}` });
    expect(connection.closedWith?.code).toBe(1008);
    expect(backend.commands[0]?.scope.cancelled).toBe(true);
  });

  test("closes 1008 when what waits takes too much memory, few as the commands may be", () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend, options: { maxPendingCommands: 1000 } });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    const data = "x".repeat(60_000);
    for (let i = 0; i < 16; i++) say({ command: "message", identifier: "c", data });
    expect(connection.closedWith).toBeNull();
    say({ command: "message", identifier: "c", data });
    expect(connection.closedWith).toEqual({ code: 1008, reason: "Too many pending commands" });
  });

  test("holds less for a client that nobody knows yet, though always one message", () => {
    const { open } = setUp({ backend: new ScriptedBackend(), options: { maxPendingCommands: 1000 } });
    const { connection, say } = open(NONE);
    say({ command: "message", identifier: "c", data: "x".repeat(300_000) });
    expect(connection.closedWith).toBeNull();
    say({ command: "ping" });
    expect(connection.closedWith).toEqual({ code: 1008, reason: "Too many pending commands" });
    const second = open(NONE);
    for (let i = 0; i < 60; i++) second.say({ command: "message", identifier: "c", data: "x".repeat(1000) });
    expect(second.connection.closedWith).toBeNull();
    for (let i = 0; i < 10; i++) second.say({ command: "message", identifier: "c", data: "x".repeat(1000) });
    expect(second.connection.closedWith?.code).toBe(1008);
  });

  test("counts only what still waits", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply());
    await settle();
    const data = "x".repeat(600_000);
    for (let i = 1; i <= 6; i++) {
      say({ command: "message", identifier: CHAT, data });
      say({ command: "message", identifier: CHAT, data });
      expect(connection.closedWith).toBeNull();
      for (const _ of [1, 2]) {
        backend.commands.at(-1)?.resolve(commandReply());
        await settle();
      }
      expect(backend.commands).toHaveLength(1 + 2 * i);
    }
  });

  test("keeps the commands of a client that the application has not let in yet", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(NONE);
    say({ command: "ping" });
    expect(connection.sent).toEqual([]);
    backend.connects[0]?.resolve(connectReply({ identifiers: "u", transmissions: ["welcome"] }));
    await settle();
    expect(connection.sent).toEqual(["welcome", '{"type":"pong"}']);
  });

  test("an error of the application fails the command and says so to the operator only", async () => {
    const backend = new ScriptedBackend();
    const { open, log } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(
      commandReply({ status: "error", errorMessage: "boom", transmissions: ["x"] }),
    );
    await settle();
    expect(connection.sent).toHaveLength(1);
    expect(log.lines.find(({ level }) => level === "warn")?.fields?.error).toContain("boom");
    say({ command: "ping" });
    expect(connection.sent).toHaveLength(2);
  });

  test("closes 1000 when the application asks for it, after its transmissions (D17)", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply({ disconnect: true, transmissions: ["bye"] }));
    await settle();
    expect(connection.sent.at(-1)).toBe("bye");
    expect(connection.closedWith).toEqual({ code: 1000, reason: "Command Failed" });
  });

  test("answers history and presence as a server without a broker does", () => {
    const { open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB, history: { since: 1 } });
    say({ command: "history", identifier: PUBSUB, history: { streams: {} } });
    say({ command: "presence", identifier: PUBSUB });
    const identifier = JSON.stringify(PUBSUB);
    expect(connection.sent.slice(2)).toEqual([
      `{"type":"reject_history","identifier":${identifier}}`,
      `{"type":"confirm_history","identifier":${identifier}}`,
      `{"type":"presence","identifier":${identifier},"message":{"type":"error","total":0}}`,
    ]);
  });

  test("goes on after malformed frames and closes 1008 past twenty a minute (D6)", () => {
    const { open, clock, metrics } = setUp();
    const { connection, say } = open(GOOD);
    for (let i = 0; i < 20; i++) say("{");
    say({ command: "ping" });
    expect(connection.sent.at(-1)).toBe('{"type":"pong"}');
    clock.advance(61_000);
    for (let i = 0; i < 20; i++) say("[]");
    expect(connection.closedWith).toBeNull();
    say("nonsense");
    expect(connection.closedWith?.code).toBe(1008);
    expect(metrics.counter("failed_client_msg_total").value).toBe(41);
  });
});

describe("commands that a transport gives itself", () => {
  const subscribe = {
    ...{ command: "subscribe", identifier: CHAT, data: undefined, token: "", history: null, presence: null },
  };

  test("are carried out once the client is in, and the transport learns when nothing is under way", async () => {
    const backend = new ScriptedBackend();
    const { engine, open, metrics } = setUp({ backend });
    const { session } = open(NONE);
    let idle = 0;
    void engine.whenIdle(session)?.then(() => {
      idle += 1;
    });
    await settle();
    expect(idle).toBe(0);
    backend.connects[0]?.resolve(connectReply());
    await settle();
    expect(idle).toBe(1);
    engine.perform(session, subscribe);
    void engine.whenIdle(session)?.then(() => {
      idle += 1;
    });
    backend.commands[0]?.resolve(commandReply());
    await settle();
    expect(idle).toBe(2);
    expect(session.subscriptions?.has(CHAT)).toBe(true);
    expect(engine.whenIdle(session)).toBeNull();
    expect(metrics.counter("client_msg_total").value).toBe(0);
  });

  test("that fail, and a client that leaves or is refused, leave nobody waiting", async () => {
    const ends: ((rig: ReturnType<typeof setUp>, backend: ScriptedBackend) => void)[] = [
      (_, backend) => backend.commands[0]?.reject(new Error("a bug")),
      (_, backend) => backend.commands[0]?.resolve(commandReply({ status: "error" })),
      ({ engine }) => {
        for (const session of engine.sessions.values()) engine.closed(session);
      },
    ];
    for (const end of ends) {
      const backend = new ScriptedBackend();
      const rig = setUp({ backend });
      const { session } = rig.open(GOOD);
      rig.engine.perform(session, subscribe);
      const idle = rig.engine.whenIdle(session);
      expect(idle).not.toBeNull();
      end(rig, backend);
      await idle;
      expect(session.subscriptions?.has(CHAT) ?? false).toBe(false);
    }
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { session } = open(NONE);
    const idle = engine.whenIdle(session);
    backend.connects[0]?.resolve(connectReply({ status: "failure" }));
    await idle;
    expect(session.state).toBe("closed");
  });

  test("and frames of a kind that a client does not want count as nothing", () => {
    const { engine, open, metrics } = setUp();
    const { session, connection } = open(GOOD);
    const before = metrics.counter("server_msg_total").value;
    connection.send = () => NOT_WANTED;
    engine.send(session, "x");
    expect(metrics.counter("server_msg_total").value).toBe(before);
    expect(metrics.counter("failed_server_msg_total").value).toBe(0);
  });
});
