import { describe, expect, test } from "bun:test";
import { GOOD, PUBSUB, settle, setUp } from "../testing/engine-rig.ts";
import { commandReply, ScriptedBackend } from "../testing/scripted-backend.ts";

describe("publishing", () => {
  test("refuses a batch with a bad element whole (D12)", () => {
    const { engine, open } = setUp();
    const { connection, say } = open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    const result = engine.publish('[{"stream":"chat","data":"1"},{"stream":"chat","data":{}}]');
    expect(result).toMatchObject({ accepted: false });
    expect(connection.sent).toHaveLength(2);
    engine.publish('[{"stream":"chat","data":"1"},{"stream":"chat","data":"2"}]');
    expect(connection.sent).toHaveLength(4);
  });

  test("leaves the excluded client out, and only for that message", () => {
    const { engine, open } = setUp();
    const [first, second] = [open(GOOD), open(GOOD)];
    for (const { say } of [first, second]) say({ command: "subscribe", identifier: PUBSUB });
    engine.publish('{"stream":"chat","data":"1","meta":{"exclude_socket":"s1"}}');
    engine.publish('{"stream":"chat","data":"2"}');
    expect(first.connection.sent).toHaveLength(3);
    expect(second.connection.sent).toHaveLength(4);
  });

  test("sends one copy an identifier, and one only", async () => {
    const backend = new ScriptedBackend();
    const { engine, open } = setUp({ backend });
    const { connection, say } = open(GOOD);
    for (const identifier of ["a", "b"]) {
      say({ command: "subscribe", identifier });
      backend.commands.at(-1)?.resolve(commandReply({ streams: ["room", "room"] }));
      await settle();
    }
    engine.publish('{"stream":"room","data":"1","meta":{"broadcast_type":"note"}}');
    expect(connection.sent.slice(1)).toEqual([
      '{"type":"note","identifier":"a","message":1}',
      '{"type":"note","identifier":"b","message":1}',
    ]);
  });

  test("a remote disconnect closes every session of the identity (D10)", () => {
    const { engine, open } = setUp();
    const clients = [open(GOOD), open(GOOD)];
    engine.publish(
      JSON.stringify({ command: "disconnect", payload: { identifier: '{"user":1}', reconnect: true } }),
    );
    for (const { connection } of clients) {
      expect(connection.sent.at(-1)).toBe('{"type":"disconnect","reason":"remote","reconnect":true}');
      expect(connection.closedWith).toEqual({ code: 1000, reason: "Closed remotely" });
    }
  });
});
