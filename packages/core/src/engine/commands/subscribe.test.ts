import { describe, expect, test } from "bun:test";
import { confirmSubscription, rejectSubscription } from "../../protocol/replies.ts";
import { CHAT, GOOD, settle, setUp } from "../../testing/engine-rig.ts";
import { commandReply, ScriptedBackend } from "../../testing/scripted-backend.ts";

const room = (number: number, pad = "") =>
  JSON.stringify({ channel: "$pubsub", stream_name: `room ${number}`, pad });

describe("a client with as many subscriptions as it may have", () => {
  test("is rejected, for the operator to see, and has room again once it has left one", () => {
    const { engine, open, log, metrics } = setUp({ options: { maxSubscriptions: 2 } });
    const { connection, say } = open(GOOD);
    for (const number of [1, 2, 3]) say({ command: "subscribe", identifier: room(number) });
    expect(connection.sent.slice(1)).toEqual([
      confirmSubscription(room(1)),
      confirmSubscription(room(2)),
      rejectSubscription(room(3)),
    ]);
    expect(engine.population().streams).toBe(2);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
    expect(log.lines.at(-1)?.fields.error).toBe("too many subscriptions: 2 are allowed");
    say({ command: "unsubscribe", identifier: room(1) });
    say({ command: "subscribe", identifier: room(3) });
    expect(connection.sent.at(-1)).toBe(confirmSubscription(room(3)));
  });

  test("does not bother the application", async () => {
    const backend = new ScriptedBackend();
    const { open } = setUp({ backend, options: { maxSubscriptions: 1 } });
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: CHAT });
    backend.commands[0]?.resolve(commandReply({}));
    await settle();
    say({ command: "subscribe", identifier: `${CHAT} ` });
    expect(backend.commands).toHaveLength(1);
    expect(connection.sent.at(-1)).toBe(rejectSubscription(`${CHAT} `));
  });

  test("may have fewer of them where their identifiers are long, since those are what costs memory", () => {
    const { engine, open } = setUp({ options: { maxSubscriptions: 8 } });
    const { say } = open(GOOD);
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 8; number++)
        say({ command: "subscribe", identifier: room(number, "x".repeat(500)) });
      expect(engine.population().streams).toBe(3);
      for (let number = 0; number < 8; number++)
        say({ command: "unsubscribe", identifier: room(number, "x".repeat(500)) });
    }
    expect(engine.population().streams).toBe(0);
  });

  test("is told so by no limit at all where that is 0", () => {
    const { engine, open } = setUp({ options: { maxSubscriptions: 0 } });
    const { say } = open(GOOD);
    for (let number = 0; number < 500; number++)
      say({ command: "subscribe", identifier: room(number, "x".repeat(9000)) });
    expect(engine.population().streams).toBe(500);
  });
});
