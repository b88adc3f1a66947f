import { describe, expect, test } from "bun:test";
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
});
