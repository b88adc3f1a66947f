import { beforeEach, describe, expect, test } from "bun:test";
import { CableClient } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import {
  HAS_REDIS,
  type RedisServer,
  startRedis,
  startRedisCluster,
  useRedis,
} from "../support/redis-server.ts";
import { scrape } from "../support/scrape.ts";
import { useStarted } from "../support/started.ts";
import { until } from "../support/until.ts";

const redis = useRedis();
const started = useStarted();

beforeEach(async () => {
  if (HAS_REDIS) await redis.command("FLUSHALL");
});

async function start(...flags: string[]): Promise<HawserProcess> {
  const server = started(
    await startHawser([
      ...["--norpc", "--public", "--broadcast_adapter=redisx", "--pubsub=none", "--metrics_http=/metrics"],
      ...[`--redis_url=${redis.url}`, ...flags],
    ]),
  );
  await server.waitFor(/connected to Redis stream/);
  return server;
}

async function follower({ port }: HawserProcess): Promise<CableClient> {
  const client = started(new CableClient(`ws://127.0.0.1:${port}/cable`));
  await client.message(0);
  client.send({
    command: "subscribe",
    identifier: JSON.stringify({ channel: "$pubsub", stream_name: "chat" }),
  });
  await client.message(1);
  return client;
}

const payloads = ({ messages }: CableClient) => messages.slice(2).map((text) => JSON.parse(text).message);
const add = (payload: string, stream = "__anycable__") =>
  redis.command("XADD", stream, "*", "payload", payload);
const message = (data: unknown) => JSON.stringify({ stream: "chat", data: JSON.stringify(data) });
const upTo = (count: number, from = 1) =>
  Array.from({ length: count - from + 1 }, (_, index) => from + index);

describe.skipIf(!HAS_REDIS)("publications by a stream of Redis", () => {
  test("are delivered in order, and then are no longer in it", async () => {
    const client = await follower(await start());
    for (const n of upTo(600)) void add(message(n));
    await client.until(() => client.messages.length >= 602, "600 messages", 20_000);
    expect(payloads(client)).toEqual(upTo(600));
    await until(async () => expect(await redis.command("XLEN", "__anycable__")).toBe(0));
    expect(await redis.command("XPENDING", "__anycable__", "bx")).toEqual([0, null, null, null]);
  }, 60_000);

  test("that cannot be read are counted, told and done with once (D12)", async () => {
    const server = await start("--redisx_stream=mine", "--redisx_group=us");
    const client = await follower(server);
    await add("no JSON", "mine");
    await redis.command("XADD", "mine", "*", "other", "field");
    await add(message("good"), "mine");
    await client.message(2);
    expect(payloads(client)).toEqual(["good"]);
    await server.waitFor(
      /an entry of the stream cannot be used and is left out .*id=\d+-\d error="the body is not JSON"/,
    );
    await server.waitFor(/left out .*error="it has no field payload"/);
    await until(async () => expect(await redis.command("XLEN", "mine")).toBe(0));
    expect((await scrape(server.port)).get("anycable_go_failed_broadcast_msg_total")).toBe(2);
    expect((await scrape(server.port)).get("anycable_go_publications_total")).toBe(1);
    expect(server.output().match(/is left out/g)).toHaveLength(2);
  }, 60_000);

  test("are taken over from a server of the reference that died with them, after its time", async () => {
    await redis.command("XGROUP", "CREATE", "__anycable__", "bx", "$", "MKSTREAM");
    for (const n of upTo(3)) await add(message(n));
    await redis.command("XREADGROUP", "GROUP", "bx", "abcdef", "COUNT", "3", "STREAMS", "__anycable__", ">");
    // Long enough for the client to be there before its time is over.
    const client = await follower(await start("--redisx_read_block_milliseconds=4000"));
    for (const n of upTo(5, 4)) await add(message(n));
    await client.until(() => client.messages.length >= 7, "all five", 20_000);
    expect(new Set(payloads(client))).toEqual(new Set(upTo(5)));
    await until(async () => expect(await redis.command("XLEN", "__anycable__")).toBe(0));
  }, 60_000);

  test("are read by one server at a time, and by another as soon as that one stops or dies", async () => {
    const first = await start();
    const firstClient = await follower(first);
    await add(message(1));
    await firstClient.message(2);
    const second = await start();
    const secondClient = await follower(second);
    for (const n of upTo(50, 2)) await add(message(n));
    await firstClient.until(() => firstClient.messages.length >= 52, "all at the first", 20_000);
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    for (const n of upTo(60, 51)) await add(message(n));
    await secondClient.until(() => secondClient.messages.length >= 12, "all at the second", 20_000);
    expect([payloads(firstClient), payloads(secondClient)]).toEqual([upTo(50), upTo(60, 51)]);
    const names = JSON.stringify(await redis.command("XINFO", "CONSUMERS", "__anycable__", "bx"));
    expect(names.match(/hawser-/g)).toHaveLength(1);
    const third = await start();
    const thirdClient = await follower(third);
    second.signal("SIGKILL");
    for (const n of upTo(70, 61)) await add(message(n));
    await thirdClient.until(() => thirdClient.messages.length >= 12, "all at the third", 20_000);
    expect(payloads(thirdClient)).toEqual(upTo(70, 61));
  }, 60_000);

  test("go on after Redis was killed and came back empty", async () => {
    const own = await startRedis({ folder: redis.scratch.path });
    try {
      const server = await start(`--redis_url=${own.url}`);
      const client = await follower(server);
      await own.kill();
      await server.waitFor(/connection to Redis lost/);
      await own.restart();
      await server.waitFor(/reconnected to Redis stream/);
      await own.command("XADD", "__anycable__", "*", "payload", message("back"));
      await client.message(2);
      // A group that is taken away under its reader is made again.
      await own.command("FLUSHALL");
      await until(async () => expect(String(await own.command("EXISTS", "__anycable__"))).toBe("1"));
      await own.command("XADD", "__anycable__", "*", "payload", message("again"));
      await client.message(3);
      expect(payloads(client)).toEqual(["back", "again"]);
    } finally {
      await own.kill();
    }
  }, 60_000);

  test.each([
    ["all of its nodes are named", (owner: RedisServer, other: RedisServer) => [owner.url, other.url]],
    ["one is named, which has other keys", (_: RedisServer, other: RedisServer) => [other.url]],
  ])(
    "come from a cluster of which %s",
    async (_how, named) => {
      const nodes = await startRedisCluster(redis.scratch.path);
      const [one, two] = nodes;
      try {
        const isOfFirst = Number(await one.command("CLUSTER", "KEYSLOT", "__anycable__")) < 8192;
        const [owner, other] = isOfFirst ? [one, two] : [two, one];
        const server = await start(`--redis_url=${named(owner, other).join()}`);
        const client = await follower(server);
        await owner.command("XADD", "__anycable__", "*", "payload", message("by the cluster"));
        await client.until(() => client.messages.length >= 3, "the message", 20_000);
        expect(payloads(client)).toEqual(["by the cluster"]);
        await until(async () => expect(await owner.command("XLEN", "__anycable__")).toBe(0));
      } finally {
        await Promise.all(nodes.map((node) => node.kill()));
      }
    },
    60_000,
  );
});
