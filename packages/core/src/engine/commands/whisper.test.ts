import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CHAT, GOOD, PUBSUB, settle, setUp } from "../../testing/engine-rig.ts";
import { commandReply, ScriptedBackend } from "../../testing/scripted-backend.ts";

/** Clients that follow the public stream `chat`, each with what it got since. */
function room(size: number) {
  const rig = setUp();
  const clients = Array.from({ length: size }, () => {
    const client = rig.open(GOOD);
    client.say({ command: "subscribe", identifier: PUBSUB });
    client.connection.sent.length = 0;
    return client;
  });
  return { ...rig, clients };
}

const whisper = (data?: unknown, identifier = PUBSUB) => ({ command: "whisper", identifier, data });
const frame = (message: string, identifier = PUBSUB) =>
  `{"identifier":${JSON.stringify(identifier)},"message":${message}}`;

describe("a whisper", () => {
  test("reaches the others and not its sender, who gets the next one of another", () => {
    const { clients } = room(3);
    clients[0]?.say(whisper({ typing: true }));
    clients[1]?.say(whisper("hi"));
    expect(clients.map(({ connection }) => connection.sent)).toEqual([
      [frame('"hi"')],
      [frame('{"typing":true}')],
      [frame('{"typing":true}'), frame('"hi"')],
    ]);
  });

  test("comes as the same JSON that was said, and nothing as the string null", () => {
    const { clients } = room(2);
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        const said = JSON.parse(JSON.stringify(data));
        clients[0]?.say(whisper(said));
        const text = clients[1]?.connection.sent.pop() ?? "";
        expect(JSON.parse(text)).toEqual({ identifier: PUBSUB, message: said ?? "null" });
      }),
    );
    clients[0]?.say({ command: "whisper", identifier: PUBSUB });
    expect(clients[1]?.connection.sent).toEqual([frame('"null"')]);
  });

  test("of a depth that cannot be printed fails, and ends nobody's session", () => {
    const { clients, metrics } = room(2);
    const deep = `${"[".repeat(300_000)}${"]".repeat(300_000)}`;
    clients[0]?.say(`{"command":"whisper","identifier":${JSON.stringify(PUBSUB)},"data":${deep}}`);
    expect(metrics.counter("failed_client_msg_total").value).toBe(1);
    clients[0]?.say(whisper(1));
    expect(clients[1]?.connection.sent).toEqual([frame("1")]);
    expect(clients[0]?.connection.closedWith).toBeNull();
  });

  test("keeps its place among publications", () => {
    const { engine, clients } = room(2);
    engine.publish('{"stream":"chat","data":"1"}');
    clients[0]?.say(whisper(2));
    engine.publish('[{"stream":"chat","data":"3"},{"stream":"chat","data":"4"}]');
    clients[0]?.say(whisper(5));
    expect(clients[1]?.connection.sent).toEqual(["1", "2", "3", "4", "5"].map((text) => frame(text)));
    expect(clients[0]?.connection.sent).toEqual(["1", "3", "4"].map((text) => frame(text)));
  });

  test("comes under the identifier of who hears it, and not to its sender under another one", () => {
    const { clients } = room(2);
    const other = JSON.stringify({ channel: "$pubsub", stream_name: "chat", tab: 2 });
    for (const { say, connection } of clients) {
      say({ command: "subscribe", identifier: other });
      connection.sent.length = 0;
    }
    clients[0]?.say(whisper(1));
    expect(clients[0]?.connection.sent).toEqual([]);
    expect(clients[1]?.connection.sent.toSorted()).toEqual([frame("1"), frame("1", other)].toSorted());
  });

  test("counts as a broadcast and not as a publication", () => {
    const { clients, metrics } = room(3);
    const before = metrics.counter("data_sent_total").value;
    clients[0]?.say(whisper("é"));
    expect(metrics.counter("broadcast_msg_total").value).toBe(1);
    expect(metrics.counter("publications_total").value).toBe(0);
    expect(metrics.counter("failed_client_msg_total").value).toBe(0);
    expect(metrics.counter("data_sent_total").value - before).toBe(2 * Buffer.byteLength(frame('"é"')));
  });

  test.each([
    ["a subscription that is not there", "nowhere"],
    ["no subscription", ""],
    ["a member of every object", "__proto__"],
  ])("about %s is passed over, and no failure", (_, identifier) => {
    const { clients, metrics } = room(2);
    clients[0]?.say(whisper(1, identifier));
    expect(clients[1]?.connection.sent).toEqual([]);
    expect(metrics.counter("failed_client_msg_total").value).toBe(0);
    expect(metrics.counter("broadcast_msg_total").value).toBe(0);
  });

  test("is passed over once the subscription has ended", () => {
    const { clients } = room(2);
    clients[0]?.say({ command: "unsubscribe", identifier: PUBSUB });
    clients[0]?.say(whisper(1));
    expect(clients[1]?.connection.sent).toEqual([]);
  });
});

describe("on a channel of the application a whisper", () => {
  async function channel(istate: Record<string, string>, streams = ["room"]) {
    const backend = new ScriptedBackend();
    const rig = setUp({ backend });
    const clients = [rig.open(GOOD), rig.open(GOOD)];
    for (const { say, connection } of clients) {
      say({ command: "subscribe", identifier: CHAT });
      backend.commands.at(-1)?.resolve(commandReply({ streams, istate }));
      await settle();
      connection.sent.length = 0;
    }
    return { ...rig, backend, clients };
  }

  test("goes to the stream that the application named, without its being asked", async () => {
    const { backend, clients } = await channel({ $w: "room" });
    clients[0]?.say(whisper("hi", CHAT));
    expect(clients[1]?.connection.sent).toEqual([frame('"hi"', CHAT)]);
    expect(clients[0]?.connection.sent).toEqual([]);
    expect(backend.commands).toHaveLength(2);
  });

  test("is passed over where it named none, or took the name back", async () => {
    const { clients } = await channel({});
    clients[0]?.say(whisper(1, CHAT));
    expect(clients[1]?.connection.sent).toEqual([]);

    const later = await channel({ $w: "room" });
    later.clients[0]?.say({ command: "message", identifier: CHAT, data: "stop" });
    later.backend.commands.at(-1)?.resolve(commandReply({ istate: { $w: "" } }));
    await settle();
    later.clients[0]?.say(whisper(1, CHAT));
    expect(later.clients[1]?.connection.sent).toEqual([]);
  });

  test("waits its turn behind a command that the application is asked about", async () => {
    const { backend, clients } = await channel({ $w: "room" });
    clients[0]?.say({ command: "message", identifier: CHAT, data: "slow" });
    clients[0]?.say(whisper(1, CHAT));
    expect(clients[1]?.connection.sent).toEqual([]);
    backend.commands.at(-1)?.resolve(commandReply());
    await settle();
    expect(clients[1]?.connection.sent).toEqual([frame("1", CHAT)]);
  });

  test("reaches a stream that its sender does not follow", async () => {
    const { clients, open } = await channel({ $w: "chat" }, []);
    const listener = open(GOOD);
    listener.say({ command: "subscribe", identifier: PUBSUB });
    clients[0]?.say(whisper(1, CHAT));
    expect(listener.connection.sent.at(-1)).toBe(frame("1"));
  });
});
