import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, startRedis } from "../support/redis-server.ts";
import { scrape } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

const scratch = createScratch();
const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});
afterAll(() => scratch.remove());

async function redisOfItsOwn() {
  const redis = await startRedis({ folder: scratch.path });
  running.push({ stop: () => redis.kill() });
  return redis;
}

async function hawser(...flags: string[]): Promise<HawserProcess> {
  const server = await startHawser(["--norpc", "--public", "--metrics_http=/metrics", ...flags]);
  running.push(server);
  return server;
}

async function linksOf({ port }: HawserProcess): Promise<Record<string, number>> {
  const links = [...(await scrape(port))].filter(([key]) => key.startsWith("anycable_go_link_up"));
  return Object.fromEntries(links.map(([key, value]) => [key.replace("anycable_go_link_up", ""), value]));
}

/** What the log says of it, without debugging. */
const warnings = (server: HawserProcess) => server.output().match(/^.* WRN .*Redis.*$/gm) ?? [];

const BROKER = '{to="redis",use="broker"}';
const PUBSUB = '{to="redis",use="pubsub"}';
const REDISX = '{to="redis",use="redisx"}';

describe.skipIf(!HAS_REDIS)("the connections of a server to Redis", () => {
  test("are on a metric each, and one line says that they are lost", async () => {
    const redis = await redisOfItsOwn();
    const server = await hawser(
      ...["--broker=redis", "--broadcast_adapter=http,redisx", `--redis_url=${redis.url}`],
    );
    const all = (value: number) => ({ [BROKER]: value, [PUBSUB]: value, [REDISX]: value });
    await until(async () => expect(await linksOf(server)).toEqual(all(1)));
    expect(warnings(server)).toEqual([]);

    await redis.kill();
    await server.waitFor(/connection to Redis lost/);
    expect(await linksOf(server)).toEqual(all(0));
    expect(await (await fetch(`http://127.0.0.1:${server.port}/ready`)).text()).toBe("ready\n");
    expect(warnings(server)).toHaveLength(1);
    expect(warnings(server)[0]).toMatch(/address=127\.0\.0\.1:\d+ .*for=pubsub,broker,redisx/);

    await redis.restart();
    await until(async () => expect(await linksOf(server)).toEqual(all(1)));
    expect(warnings(server)).toHaveLength(1);
  }, 60_000);

  test("are none where Redis is not to be had from the start", async () => {
    const server = await hawser("--broadcast_adapter=redis", "--redis_url=redis://127.0.0.1:1");
    await server.waitFor(/Redis cannot be used; trying again .*for=pubsub,redis/);
    expect(await linksOf(server)).toEqual({ [PUBSUB]: 0, '{to="redis",use="redis"}': 0 });
  }, 60_000);

  test("with a password that Redis does not need are told of in the log alone, and once", async () => {
    const redis = await redisOfItsOwn();
    const server = await hawser("--pubsub=redis", `--redis_url=redis://:c4n4ry@127.0.0.1:${redis.port}`);
    await server.waitFor(/ connected .*context=pubsub/);
    await until(async () => expect((await linksOf(server))[PUBSUB]).toBe(1));
    expect(server.output().match(/does not require a password/g)).toHaveLength(1);
    expect(warnings(server)).toHaveLength(1);
    expect(server.output()).not.toContain("[WARN]");
    expect(server.output()).not.toContain("c4n4ry");
  }, 60_000);
});

test("a server that needs neither Redis nor NATS shows none", async () => {
  expect(await linksOf(await hawser())).toEqual({});
}, 60_000);
