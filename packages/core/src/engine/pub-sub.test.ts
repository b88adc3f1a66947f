import { describe, expect, test } from "bun:test";
import { MemoryHistory } from "../broker/memory-history.ts";
import { GOOD, PUBSUB, settle, setUp } from "../testing/engine-rig.ts";
import { SeededRandom } from "../testing/seeded-random.ts";
import type { PubSub } from "./pub-sub.ts";

/** A broker that keeps what is handed over until it is let go. */
class HeldPubSub implements PubSub {
  isUp = true;
  readonly said: [channel: string, text: string][] = [];
  readonly followed = new Set<string>();
  /** What whoever asks has to wait for. */
  unsure: Promise<void> | null = null;

  publish(stream: string, text: string): void {
    this.said.push([stream, text]);
  }

  command(text: string): void {
    this.said.push(["commands", text]);
  }

  follow(stream: string): void {
    this.followed.add(stream);
  }

  unfollow(stream: string): void {
    this.followed.delete(stream);
  }

  following(): Promise<void> | null {
    return this.unsure;
  }

  settled(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

const MESSAGE = '{"stream":"chat","data":"1"}';
const FRAME = `{"identifier":${JSON.stringify(PUBSUB)},"message":1}`;

function cluster() {
  const pubSub = new HeldPubSub();
  const rig = setUp({ pubSub });
  const joined = () => {
    const client = rig.open(GOOD);
    client.say({ command: "subscribe", identifier: PUBSUB });
    client.connection.sent.length = 0;
    return client;
  };
  return { ...rig, pubSub, joined };
}

describe("with other nodes", () => {
  test("a publication reaches this node's clients when it comes back, and only then", () => {
    const { engine, pubSub, joined } = cluster();
    const { connection } = joined();
    expect(engine.publish(MESSAGE)).toEqual({ accepted: true });
    expect(connection.sent).toEqual([]);
    expect(pubSub.said).toEqual([["chat", MESSAGE]]);
    engine.deliver(MESSAGE, "chat");
    expect(connection.sent).toEqual([FRAME]);
  });

  test("what a publication asks for beside its message travels with it", () => {
    const { engine, pubSub } = cluster();
    const meta = { exclude_socket: "s1", broadcast_type: "note" };
    engine.publish(JSON.stringify({ stream: "chat", data: "null", meta }));
    expect(JSON.parse(pubSub.said[0]?.[1] ?? "")).toEqual({ stream: "chat", data: '"null"', meta });
  });

  test("a whisper leaves out its sender, wherever it comes back", () => {
    const { engine, pubSub, joined } = cluster();
    const [one, other] = [joined(), joined()];
    one.say({ command: "whisper", identifier: PUBSUB, data: 1 });
    const [channel, text] = pubSub.said[0] ?? [];
    expect(channel).toBe("chat");
    expect(text).toBe(`{"stream":"chat","data":"1","meta":{"exclude_socket":"s1","transient":true}}`);
    engine.deliver(text ?? "", "chat");
    expect([one.connection.sent, other.connection.sent]).toEqual([[], [FRAME]]);
  });

  test("a revocation holds here at once, and is counted once, when it comes back", () => {
    const { engine, pubSub, joined, metrics } = cluster();
    const { connection } = joined();
    engine.publish('{"command":"revoke","payload":{"identifiers":"{\\"user\\":1}"}}');
    expect(connection.closedWith?.reason).toBe("Revoked");
    for (const [, text] of pubSub.said) engine.deliver(text, null);
    expect(metrics.counter("remote_commands_total").value).toBe(1);
  });

  test("a remote command is carried out when it comes back", () => {
    const { engine, pubSub, joined } = cluster();
    const { connection } = joined();
    const command = JSON.stringify({ command: "disconnect", payload: { identifier: '{"user":1}' } });
    engine.publish(command);
    expect(connection.closedWith).toBeNull();
    expect(pubSub.said).toEqual([["commands", command]]);
    engine.deliver(command, null);
    expect(connection.closedWith).not.toBeNull();
  });

  test("a publication that would reach nobody is refused, to be tried again", () => {
    const { engine, pubSub, metrics } = cluster();
    pubSub.isUp = false;
    expect(engine.publish(MESSAGE)).toMatchObject({ accepted: false, fault: "unavailable" });
    expect(engine.publish("no JSON")).toMatchObject({ accepted: false, fault: "unreadable" });
    expect(pubSub.said).toEqual([]);
    expect(metrics.counter("publications_total").value).toBe(0);
  });

  test("a stream is followed from its first subscriber to its last", () => {
    const { engine, pubSub, joined } = cluster();
    const [one, other] = [joined(), joined()];
    expect([...pubSub.followed]).toEqual(["chat"]);
    one.say({ command: "unsubscribe", identifier: PUBSUB });
    expect([...pubSub.followed]).toEqual(["chat"]);
    engine.closed(other.session);
    expect([...pubSub.followed]).toEqual([]);
  });
});

describe("what comes by a channel", () => {
  test("of a stream is a message of that stream, and nothing else", () => {
    const { engine, joined } = cluster();
    const { connection } = joined();
    engine.deliver(MESSAGE, "__anycable__");
    engine.deliver('{"command":"disconnect","payload":{"identifier":"{\\"user\\":1}"}}', "chat");
    engine.deliver("no JSON", "chat");
    expect(connection.sent).toEqual([]);
    expect(connection.closedWith).toBeNull();
  });

  test("is no publication, and counts as failed where an application wrote it", () => {
    const { engine, metrics, joined } = cluster();
    joined();
    engine.deliver(`[${MESSAGE},${MESSAGE}]`, null);
    engine.deliver("no JSON", null);
    const count = (name: "publications_total" | "failed_broadcast_msg_total" | "broadcast_msg_total") =>
      metrics.counter(name).value;
    expect(count("publications_total")).toBe(0);
    expect(count("failed_broadcast_msg_total")).toBe(1);
    expect(count("broadcast_msg_total")).toBe(2);
  });
});

function clusterWithHistory() {
  const pubSub = new HeldPubSub();
  const rig = setUp({
    pubSub,
    broker: (clock) => ({
      history: new MemoryHistory({ limit: 10, ttlMs: 60_000 }, clock, new SeededRandom(1)),
      sessions: null,
      presence: null,
      close: () => {},
    }),
  });
  return { ...rig, pubSub, epoch: new SeededRandom(1).id(8) };
}

describe("with history a message on its way to other nodes", () => {
  test("says where it stands, and clients of any node hear it so", () => {
    const { pubSub, epoch, ...rig } = clusterWithHistory();
    const client = rig.open(GOOD);
    client.say({ command: "subscribe", identifier: PUBSUB });
    rig.engine.publish(
      '{"stream":"chat","data":"1","meta":{"broadcast_type":"note"},"epoch":"forged","offset":9}',
    );
    client.say({ command: "whisper", identifier: PUBSUB, data: 2 });
    expect(pubSub.said.map(([, text]) => text)).toEqual([
      `{"stream":"chat","data":"1","meta":{"broadcast_type":"note"},"offset":1,"epoch":"${epoch}"}`,
      '{"stream":"chat","data":"2","meta":{"exclude_socket":"s1","transient":true}}',
    ]);
    rig.engine.deliver(pubSub.said[0]?.[1] ?? "", "chat");
    expect(JSON.parse(client.connection.sent.at(-1) ?? "")).toEqual({
      type: "note",
      identifier: PUBSUB,
      message: 1,
      stream_id: "chat",
      epoch,
      offset: 1,
    });
  });

  test("that a client has been told from history does not come to it again", () => {
    const { pubSub, epoch, ...rig } = clusterWithHistory();
    const [live, late] = [rig.open(GOOD), rig.open(GOOD)];
    live.say({ command: "subscribe", identifier: PUBSUB });
    const publish = (number: number) => rig.engine.publish(`{"stream":"chat","data":"${number}"}`);
    for (const number of [1, 2]) publish(number);
    late.say({
      command: "subscribe",
      identifier: PUBSUB,
      history: { streams: { chat: { epoch, offset: 0 } } },
    });
    publish(3);
    live.say({ command: "whisper", identifier: PUBSUB, data: "w" });
    publish(4);
    for (const [, text] of pubSub.said) rig.engine.deliver(text, "chat");
    const heard = ({ connection }: typeof live) =>
      connection.sent.slice(1).map((frame) => JSON.parse(frame).message ?? JSON.parse(frame).type);
    expect(heard(late)).toEqual(["confirm_subscription", 1, 2, "confirm_history", 3, "w", 4]);
    expect(heard(live)).toEqual(["confirm_subscription", 1, 2, 3, 4]);
  });

  test("leaves nothing of a channel that its client has left, however often it comes and asks", () => {
    const { pubSub, ...rig } = clusterWithHistory();
    const { say, session } = rig.open(GOOD);
    const history = { since: 1 };
    for (let time = 0; time < 3; time += 1) {
      const identifier = JSON.stringify({ channel: "$pubsub", stream_name: `chat${time}` });
      rig.engine.publish(`{"stream":"chat${time}","data":"1"}`);
      say({ command: "subscribe", identifier, history });
      say({ command: "unsubscribe", identifier });
    }
    expect(rig.engine.hub.streamCount).toBe(0);
    expect(session.holding?.groupCount).toBe(0);
    expect(pubSub.followed.size).toBe(0);
  });
});

describe("history of a stream that is not followed for sure yet", () => {
  function asking() {
    const cluster = clusterWithHistory();
    cluster.engine.publish('{"stream":"chat","data":"0"}');
    const { promise, resolve } = Promise.withResolvers<void>();
    cluster.pubSub.unsure = promise;
    const { connection, say } = cluster.open(GOOD);
    say({
      command: "subscribe",
      identifier: PUBSUB,
      history: { streams: { chat: { epoch: cluster.epoch, offset: 0 } } },
    });
    const heard = () => {
      const frames = connection.sent.slice(1).map((frame) => JSON.parse(frame));
      return frames.flatMap(({ type, message }) => (type === "ping" ? [] : [message ?? type]));
    };
    return { ...cluster, connection, say, heard, resolve };
  }

  test("is asked once it is, so that nothing is missing between its answer and the live messages", async () => {
    const { engine, heard, say, resolve } = asking();
    say({ command: "ping" });
    // It went to the broker before the stream was followed there, and so comes back to nobody.
    engine.publish('{"stream":"chat","data":"1"}');
    await settle();
    expect(heard()).toEqual(["confirm_subscription"]);
    resolve();
    for (let turn = 0; turn < 3; turn++) await settle();
    expect(heard()).toEqual(["confirm_subscription", 0, 1, "confirm_history", "pong"]);
  });

  test("is asked all the same when that takes too long, or cannot be had", async () => {
    const { clock, heard } = asking();
    clock.advance(5000);
    for (let turn = 0; turn < 3; turn++) await settle();
    expect(heard()).toEqual(["confirm_subscription", 0, "confirm_history"]);

    const down = clusterWithHistory();
    down.pubSub.unsure = new Promise(() => {});
    down.pubSub.isUp = false;
    const { connection, say } = down.open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB, history: { since: 1 } });
    expect(connection.sent.at(-1)).toContain("confirm_history");
  });

  test("is told to nobody who went meanwhile", async () => {
    const { engine, connection, heard, resolve } = asking();
    engine.publish('{"stream":"chat","data":"1"}');
    connection.terminate();
    resolve();
    await settle();
    expect(heard()).toEqual(["confirm_subscription"]);
    expect(engine.hub.streamCount).toBe(0);
  });
});
