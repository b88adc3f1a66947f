import { describe, expect, test } from "bun:test";
import { counted, GOOD, PUBSUB, setUp } from "../testing/engine-rig.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { calm, SharedBroker } from "../testing/shared-broker.ts";

/** Two nodes that share a broker, and clients of the first one. */
async function cluster(limits: ConstructorParameters<typeof SharedBroker>[1] = {}) {
  const clock = new ManualClock();
  const shared = new SharedBroker(clock, limits);
  const [here, there] = ["a", "b"].map((name) => {
    const node = shared.join();
    const rig = setUp({ clock, name, pubSub: node, broker: () => node.broker });
    node.start(rig.engine);
    return { ...rig, node };
  });
  if (here === undefined || there === undefined) throw new Error("there are two");
  const settled = () => calm(shared.nodes);
  await settled();
  const publish = async (...texts: (string | number)[]) => {
    for (const text of texts) void there.engine.publish(JSON.stringify({ stream: "chat", data: `${text}` }));
    await settled();
  };
  const join = async (history?: object, identifier = PUBSUB) => {
    const client = here.open(GOOD);
    client.say({ command: "subscribe", identifier, history });
    await settled();
    const heard = () =>
      client.connection.sent.flatMap((frame) => {
        const { type, message } = JSON.parse(frame);
        return type === undefined || type === "reject_history" ? [message ?? type] : [];
      });
    return { ...client, heard };
  };
  return { clock, shared, here, there, settled, publish, join };
}

describe("a node that was parted from the others", () => {
  test("gives each client what was published meanwhile, once and in order", async () => {
    const { here, settled, publish, join } = await cluster();
    const { heard } = await join();
    await publish(1, 2);
    here.node.part();
    await publish(3, 4);
    expect(heard()).toEqual([1, 2]);
    here.node.connect();
    await settled();
    await publish(5);
    expect(heard()).toEqual([1, 2, 3, 4, 5]);
    expect(counted(here.metrics, "missed_streams_total")).toEqual(["caught_up 1"]);
  });

  test("passes on at once what an application says by a channel of its own, and keeps nothing that nobody follows", async () => {
    const { here, settled, join } = await cluster();
    const { heard } = await join();
    here.node.part();
    here.engine.hear(JSON.stringify({ stream: "chat", data: "1" }));
    here.engine.hear(JSON.stringify({ stream: "nobody's", data: "2" }));
    here.engine.deliver(JSON.stringify({ stream: "nobody's", data: "3" }), null);
    expect(heard()).toEqual([1]);
    const late = await join(undefined, '{"channel":"$pubsub","stream_name":"nobody\'s"}');
    here.node.connect();
    await settled();
    expect(late.heard()).toEqual([]);
    expect(heard()).toEqual([1]);
  });

  test("does so with a stream that nothing had come by yet", async () => {
    const { clock, here, settled, publish, join } = await cluster();
    await publish("before");
    clock.advance(2000);
    const { heard } = await join();
    here.node.part();
    await publish(1);
    here.node.connect();
    await settled();
    expect(heard()).toEqual([1]);
  });

  test("passes on what comes live behind what was missed", async () => {
    const { here, settled, publish, join } = await cluster();
    const { heard } = await join();
    await publish(1);
    here.node.part();
    await publish(2);
    here.node.connect();
    const step = (queue: (() => void)[]) => {
      for (const move of queue.splice(0)) move();
    };
    step(here.node.bus.toBroker); // it is subscribed, and does not know yet
    await publish(3);
    expect(heard()).toEqual([1, 2, 3]);
    await settled();
    expect(heard()).toEqual([1, 2, 3]);
  });

  test("tells nobody twice what history has told already", async () => {
    const { here, settled, publish, join, clock } = await cluster();
    const { heard } = await join();
    await publish(1);
    here.node.part();
    await publish(2);
    const asked = await join({ since: Math.floor(clock.nowMs() / 1000) });
    expect(asked.heard()).toEqual([1, 2]);
    here.node.connect();
    await settled();
    await publish(3);
    expect(asked.heard()).toEqual([1, 2, 3]);
    expect(heard()).toEqual([1, 2, 3]);
  });

  test("is not confused by being parted again before it has caught up", async () => {
    const { here, settled, publish, join } = await cluster();
    const { heard } = await join();
    await publish(1);
    here.node.part();
    await publish(2);
    here.node.connect();
    for (const move of here.node.bus.toBroker.splice(0)) move();
    for (const move of here.node.bus.fromBroker.splice(0)) move();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(here.node.store.toBroker).toHaveLength(1); // history is being asked
    here.node.part();
    await publish(3);
    here.node.connect();
    await settled();
    await publish(4);
    expect(heard()).toEqual([1, 2, 3, 4]);
  });

  test("asks history of a stream that was followed only now once that is sure", async () => {
    const { here, publish } = await cluster();
    here.node.part();
    here.node.connect();
    const { connection, say } = here.open(GOOD);
    say({ command: "subscribe", identifier: PUBSUB });
    const { bus, store } = here.node;
    bus.toBroker.shift()?.();
    bus.fromBroker.shift()?.();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(here.engine.missed?.isParted).toBe(false);
    expect([bus.toBroker.length, store.toBroker.length]).toEqual([1, 0]);
    void publish(1);
    await publish(2);
    const heard = connection.sent.map((frame) => JSON.parse(frame).message).filter(Number.isInteger);
    expect(heard).toEqual([1, 2]);
  });

  test("tells nobody twice what comes live after history has told it", async () => {
    const { here, there, settled, publish, join } = await cluster();
    const { heard } = await join();
    here.node.part();
    here.node.connect();
    const { bus, store } = here.node;
    for (const move of bus.toBroker.splice(0)) move();
    void there.engine.publish('{"stream":"chat","data":"1"}');
    for (const move of there.node.store.toBroker.splice(0)) move();
    // The message is behind the confirmation, on another connection than the answer of history.
    for (const move of bus.fromBroker.splice(0, 2)) move();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    for (const move of store.toBroker.splice(0)) move();
    for (const move of store.fromBroker.splice(0)) move();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(heard()).toEqual([1]);
    expect(bus.fromBroker).toHaveLength(1);
    await settled();
    await publish(2);
    expect(heard()).toEqual([1, 2]);
    expect(here.engine.missed?.isKeeping).toBe(false);
  });

  test("gives every group of a stream the same", async () => {
    const { here, settled, publish, join } = await cluster();
    const one = await join();
    await publish(1);
    const other = await join(undefined, JSON.stringify({ channel: "$pubsub", stream_name: "chat", tab: 2 }));
    here.node.part();
    await publish(2);
    here.node.connect();
    await settled();
    expect(one.heard()).toEqual([1, 2]);
    expect(other.heard()).toEqual([2]);
  });

  test("says so where history does not know any more, and goes on with what comes live", async () => {
    const { here, settled, publish, join } = await cluster({ limit: 2 });
    const { heard } = await join();
    await publish(1);
    here.node.part();
    await publish(2, 3, 4, 5);
    here.node.connect();
    await settled();
    await publish(6);
    expect(heard()).toEqual([1, 6]);
    expect(counted(here.metrics, "missed_streams_total")).toEqual(["lost 1"]);
    expect(here.log.text()).toContain("may be missing");
    // From there on it is caught up as before.
    here.node.part();
    await publish(7);
    here.node.connect();
    await settled();
    expect(heard()).toEqual([1, 6, 7]);
  });

  test("asks again while history is not back yet, and lets live messages wait no longer than that", async () => {
    const { clock, here, settled, publish, join } = await cluster();
    const { heard } = await join();
    await publish(1);
    here.node.part();
    await publish(2);
    const { history } = here.node.broker;
    if (history === null) throw new Error("there is one");
    const after = history.after;
    const fail = () => Promise.reject(new Error("down"));
    Object.assign(history, { after: fail });
    here.node.connect();
    await settled();
    await publish(3);
    expect(heard()).toEqual([1]);
    Object.assign(history, { after });
    clock.advance(500);
    await settled();
    expect(heard()).toEqual([1, 2, 3]);

    here.node.part();
    await publish(4);
    Object.assign(history, { after: fail });
    here.node.connect();
    await settled();
    await publish(5);
    for (let ms = 0; ms < 10_500; ms += 500) {
      clock.advance(500);
      await settled();
    }
    expect(heard()).toEqual([1, 2, 3, 5]);
  });

  test("asks nothing about streams that nobody follows any more, and keeps nothing of them", async () => {
    const { here, settled, publish, join } = await cluster();
    const { connection } = await join();
    here.node.part();
    connection.terminate();
    await publish(1);
    here.node.connect();
    await settled();
    expect(here.engine.missed?.isKeeping).toBe(false);
    expect(here.engine.hub.streamCount).toBe(0);
  });
});

test("a publication is handed to all nodes by history, and a whisper by the nodes themselves", async () => {
  const { here, settled, publish, join, shared } = await cluster();
  const [one, other] = [await join(), await join()];
  await publish(1);
  one.say({ command: "whisper", identifier: PUBSUB, data: "w" });
  await settled();
  expect(one.heard()).toEqual([1]);
  expect(other.heard()).toEqual([1, "w"]);
  expect(shared.kept.size().messages).toBe(1);
  expect(here.metrics.counter("publications_total").value).toBe(0);
});
