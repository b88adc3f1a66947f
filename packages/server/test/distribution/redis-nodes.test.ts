import { describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, startRedis, startRedisCluster, useRedis } from "../support/redis-server.ts";
import { HAS_REFERENCE, startReference } from "../support/reference-server.ts";
import { scrape } from "../support/scrape.ts";
import { useStarted } from "../support/started.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message, numbers, untilJoined } from "./cluster-client.ts";
import { outlive } from "./outage.ts";

const redis = useRedis();
const started = useStarted();

async function hawser(url = redis.url, ...flags: string[]): Promise<HawserProcess> {
  const server = started(
    await startHawser([
      ...["--norpc", "--public", "--streams_whisper", "--pubsub=redis", "--broadcast_adapter=http"],
      ...[`--redis_url=${url}`, "--metrics_http=/metrics", ...flags],
    ]),
  );
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

async function join({ port }: { readonly port: number }, stream?: string): Promise<ClusterClient> {
  return started(await ClusterClient.join(port, stream));
}

describe.skipIf(!HAS_REDIS)("servers that pass messages on by Redis", () => {
  test("give each client each message once and in order, wherever it was published", async () => {
    const [a, b] = [await hawser(), await hawser()];
    const all = [await join(a), await join(b), await join(b)];
    await untilJoined(all, a.broadcastPort);
    for (const n of numbers(200)) expect((await publish(a.broadcastPort, message(n))).status).toBe(201);
    for (const client of all) expect(await client.untilHeard(200)).toEqual(numbers(200));
    await publish(b.broadcastPort, [message("x"), message("elsewhere", "other"), message("y")]);
    for (const client of all) expect((await client.untilHeard(202)).slice(200)).toEqual(["x", "y"]);
    expect((await scrape(a.port)).get("anycable_go_publications_total")).toBeGreaterThanOrEqual(201);
    expect((await scrape(b.port)).get("anycable_go_publications_total")).toBe(1);
    expect((await scrape(b.port)).get("anycable_go_broadcast_msg_total")).toBeGreaterThanOrEqual(202);
  }, 60_000);

  test("follow a stream from its first subscriber to its last", async () => {
    const a = await hawser();
    const followers = async (stream: string) => {
      const [[name, count] = []] = Object.entries(
        (await redis.command("PUBSUB", "NUMSUB", stream)) as object,
      );
      return name === stream
        ? Number(count)
        : Number(((await redis.command("PUBSUB", "NUMSUB", stream)) as string[])[1]);
    };
    const [one, other] = [await join(a, "room"), await join(a, "room")];
    await until(async () => expect(await followers("room")).toBe(1));
    one.close();
    await join(a, "another");
    await until(async () => expect(await followers("another")).toBe(1));
    expect(await followers("room")).toBe(1);
    other.close();
    await until(async () => expect(await followers("room")).toBe(0));
    const again = await join(a, "room");
    await untilJoined([again], a.broadcastPort, "room");
  }, 60_000);

  test("pass whispers on, past the one who said them", async () => {
    const [a, b] = [await hawser(), await hawser()];
    const [one, two, three] = [await join(a), await join(a), await join(b)];
    await untilJoined([one, two, three], b.broadcastPort);
    one.whisper({ typing: true });
    three.whisper("seen");
    expect(await two.untilHeard(2)).toEqual(expect.arrayContaining([{ typing: true }, "seen"]));
    expect(await one.untilHeard(1)).toEqual(["seen"]);
    expect(await three.untilHeard(1)).toEqual([{ typing: true }]);
  }, 60_000);

  test("disconnect remotely wherever the client is, and revoke too", async () => {
    const [a, b] = [await hawser(), await hawser()];
    const [one, two] = [await join(a), await join(b)];
    const sidOf = ({ cable }: ClusterClient) => JSON.parse(cable.messages[0] ?? "{}").sid as string;
    const identifier = JSON.stringify({ sid: sidOf(two) });
    await publish(a.broadcastPort, { command: "disconnect", payload: { identifier, reconnect: false } });
    expect((await two.cable.closed(20_000)).code).toBe(1000);
    expect(one.cable.closedWith).toBeNull();
    const three = await join(b);
    await publish(a.broadcastPort, { command: "revoke", payload: { sid: sidOf(three) } });
    await three.cable.closed(20_000);
    expect(one.cable.closedWith).toBeNull();
  }, 60_000);

  test("are not disturbed by streams that are named as their channels are", async () => {
    const a = await hawser(redis.url, "--broadcast_adapter=http,redis");
    await a.waitFor(/subscribed to Redis channel/);
    const [plain, commands, publications] = [
      await join(a),
      await join(a, "__anycable_internal__"),
      await join(a, "__anycable__"),
    ];
    await untilJoined([plain], a.broadcastPort);
    await redis.command("PUBLISH", "__anycable__", JSON.stringify(message("once")));
    await redis.command("PUBLISH", "__anycable__", JSON.stringify(message("mine", "__anycable__")));
    expect(await plain.untilHeard(1)).toEqual(["once"]);
    commands.close();
    publications.close();
    const sid = JSON.parse(plain.cable.messages[0] ?? "{}").sid;
    const identifier = JSON.stringify({ sid });
    await publish(a.broadcastPort, { command: "disconnect", payload: { identifier } });
    await plain.cable.closed(20_000);
    expect(plain.heard).toEqual(["once"]);
  }, 60_000);

  test("take their channel for commands from the file", async () => {
    const file = redis.scratch.write("channel.toml", "[redis_pubsub]\nchannel = 'inner'\n");
    const a = await hawser(redis.url, `--config-path=${file}`);
    const client = await join(a);
    const identifier = JSON.stringify({ sid: JSON.parse(client.cable.messages[0] ?? "{}").sid });
    await redis.command(
      "PUBLISH",
      "inner",
      JSON.stringify({ command: "disconnect", payload: { identifier } }),
    );
    await client.cable.closed(20_000);
  }, 60_000);

  test("may each be at another node of a cluster", async () => {
    const nodes = await startRedisCluster(redis.scratch.path);
    const [one, other] = nodes;
    try {
      const a = await hawser(`${one.url},${other.url}`);
      const b = await hawser(`${other.url},${one.url}`);
      const both = [await join(a), await join(b)];
      await untilJoined(both, a.broadcastPort);
      for (const n of numbers(50)) await publish(a.broadcastPort, message(n));
      for (const client of both) expect(await client.untilHeard(50)).toEqual(numbers(50));
      await one.kill();
      await a.waitFor(/ reconnected .*context=pubsub/);
      await until(async () => expect((await publish(a.broadcastPort, message("?"))).status).toBe(201));
      await publish(b.broadcastPort, message("without it"));
      for (const client of both) expect((await client.untilHeard(51)).at(-1)).toBe("without it");
    } finally {
      await Promise.all(nodes.map((node) => node.kill()));
    }
  }, 60_000);

  test.skipIf(!HAS_REFERENCE)(
    "may have servers of the reference among them",
    async () => {
      const a = await hawser();
      const reference = started(
        await startReference([...["--pubsub=redis", "--broadcast_adapter=http", `--redis_url=${redis.url}`]]),
      );
      const [ours, theirs] = [await join(a), await join(reference)];
      await untilJoined([ours, theirs], a.broadcastPort);
      await untilJoined([ours, theirs], reference.broadcastPort);
      const asked = theirs.cable.messages.length;
      await publish(a.broadcastPort, {
        ...message({ b: 1, a: [null, "é"] }),
        meta: { broadcast_type: "note" },
      });
      await theirs.untilHeard(1);
      await publish(reference.broadcastPort, message("from there"));
      for (const client of [ours, theirs])
        expect(await client.untilHeard(2)).toEqual([{ b: 1, a: [null, "é"] }, "from there"]);
      expect(theirs.cable.messages.slice(asked).some((text) => text.includes('"type":"note"'))).toBe(true);
      ours.whisper("hi");
      theirs.whisper("ho");
      expect((await theirs.untilHeard(3))[2]).toBe("hi");
      expect((await ours.untilHeard(3))[2]).toBe("ho");
      const identifier = JSON.stringify({ sid: JSON.parse(theirs.cable.messages[0] ?? "{}").sid });
      await publish(a.broadcastPort, { command: "disconnect", payload: { identifier, reconnect: true } });
      await theirs.cable.closed(20_000);
      expect(ours.heard).toHaveLength(3);
    },
    60_000,
  );

  test.skipIf(!HAS_REFERENCE)(
    "may share the stream of publications with the reference, each entry going to one of them",
    async () => {
      const a = await hawser(redis.url, "--broadcast_adapter=redisx,http");
      await a.waitFor(/connected to Redis stream/);
      const reference = started(
        await startReference([
          ...["--pubsub=redis", "--broadcast_adapter=redisx,http", `--redis_url=${redis.url}`],
        ]),
      );
      const both = [await join(a), await join(reference)];
      await untilJoined(both, a.broadcastPort);
      for (const n of numbers(500))
        await redis.command("XADD", "__anycable__", "*", "payload", JSON.stringify(message(n)));
      for (const client of both) {
        const heard = (await client.untilHeard(500)) as number[];
        expect([...heard].sort((x, y) => x - y)).toEqual(numbers(500));
      }
      await until(async () => expect(await redis.command("XLEN", "__anycable__")).toBe(0));
    },
    60_000,
  );
});

test.skipIf(!HAS_REDIS)(
  "a server is ready once it has reached Redis, and stays so",
  async () => {
    const own = await startRedis({ folder: redis.scratch.path });
    await own.kill();
    try {
      const flags = [
        "--norpc",
        "--public",
        "--pubsub=redis",
        `--redis_url=${own.url}`,
        "--ready-path=/ready",
      ];
      const server = started(await startHawser(flags));
      const ready = async () => (await fetch(`http://127.0.0.1:${server.port}/ready`)).text();
      expect(await ready()).toBe("pub/sub has not connected yet\n");
      await own.restart();
      await server.waitFor(/ connected .*context=pubsub/);
      expect(await ready()).toBe("ready\n");
      await own.kill();
      await server.waitFor(/connection to Redis lost/);
      expect(await ready()).toBe("ready\n");
    } finally {
      await own.kill();
    }
  },
  60_000,
);

describe.skipIf(!HAS_REDIS)("when Redis is killed under load", () => {
  test("history has what was taken and lost on the way", async () => {
    const own = await startRedis({ folder: redis.scratch.path });
    try {
      const a = await hawser(own.url, "--broker=memory", "--history_limit=1000");
      const client = started(await ClusterClient.join(a.port, "chat", ["actioncable-v1-ext-json"]));
      await untilJoined([client], a.broadcastPort);
      const sinceS = Math.floor(Date.now() / 1000) - 60;
      const accepted: number[] = [];
      const killed = Bun.sleep(50).then(() => own.kill());
      for (let n = 0; n < 400 && (accepted.length === n || n < 50); n++) {
        if ((await publish(a.broadcastPort, message(n))).status === 201) accepted.push(n);
      }
      await killed;
      client.cable.send({ command: "history", identifier: client.identifier, history: { since: sinceS } });
      await client.cable.until(
        () => client.cable.messages.some((text) => text.includes("confirm_history")),
        "history",
      );
      const heard = new Set(client.heard);
      expect(accepted.length).toBeGreaterThan(0);
      expect(accepted.filter((n) => !heard.has(n))).toEqual([]);
    } finally {
      await own.kill();
    }
  }, 60_000);

  test("no client is dropped, publishers are told to come again, and delivery resumes", async () => {
    const own = await startRedis({ folder: redis.scratch.path });
    try {
      const [a, b] = [await hawser(own.url), await hawser(own.url)];
      const clients = [await join(a), await join(b)];
      const third = await join(b, "other");
      await untilJoined(clients, a.broadcastPort);
      const meanwhile = () => untilJoined([third], a.broadcastPort, "other");
      await outlive({ servers: [a, b], broker: own, clients, meanwhile });
      for (const server of [a, b]) {
        server.signal("SIGTERM");
        expect(await server.exited).toBe(0);
      }
    } finally {
      await own.kill();
    }
  }, 90_000);
});
