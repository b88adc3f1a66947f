import { describe, expect, test } from "bun:test";
import { ClusterClient, message, untilJoined } from "../distribution/cluster-client.ts";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, useRedis } from "../support/redis-server.ts";
import { useStarted } from "../support/started.ts";
import { until } from "../support/until.ts";

/** Two servers that Redis connects, one of which has two threads. */

const MANY = 12;
const redis = useRedis();
const started = useStarted();

async function hawser(...flags: string[]): Promise<HawserProcess> {
  const server = started(
    await startHawser([
      ...["--norpc", "--public", "--pubsub=redis", "--broadcast_adapter=http", `--redis_url=${redis.url}`],
      ...flags,
    ]),
  );
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

async function join({ port }: HawserProcess): Promise<ClusterClient> {
  return started(await ClusterClient.join(port));
}

describe.skipIf(!HAS_REDIS)("a server of several threads among others", () => {
  test("takes part: each client hears each message once and in order, wherever it was published", async () => {
    const threads = await hawser("--workers=2");
    const single = await hawser();
    const all = [await join(single)];
    for (let i = 0; i < MANY; i++) all.push(await join(threads));
    await untilJoined(all, threads.broadcastPort);
    for (let n = 0; n < 20; n++) {
      const { broadcastPort } = n % 2 === 0 ? threads : single;
      expect((await publish(broadcastPort, message(n))).status).toBe(201);
    }
    const [order] = await Promise.all(all.map((client) => client.untilHeard(20)));
    expect(new Set(order).size).toBe(20);
    for (const client of all) expect(client.heard).toEqual(order ?? []);
  });

  test("goes on following a stream for as long as one of its threads does", async () => {
    const threads = await hawser("--workers=2");
    const single = await hawser();
    const all: ClusterClient[] = [];
    for (let i = 0; i < MANY; i++) all.push(await join(threads));
    await untilJoined(all, single.broadcastPort);
    const [last, ...leaving] = all;
    for (const client of leaving) client.close();
    await until(() => {
      if (leaving.some(({ cable }) => cable.closedWith === null)) throw new Error("some are still there");
    });
    await publish(single.broadcastPort, message("last"));
    expect(await last?.untilHeard(1)).toEqual(["last"]);
  });

  test("hears with all of its threads what is published by a channel that every server hears", async () => {
    const threads = await hawser("--workers=2", "--broadcast_adapter=http,redis");
    await threads.waitFor(/subscribed to Redis channel/);
    const all: ClusterClient[] = [];
    for (let i = 0; i < MANY; i++) all.push(await join(threads));
    await untilJoined(all, threads.broadcastPort);
    await redis.command("PUBLISH", "__anycable__", JSON.stringify(message("heard")));
    for (const client of all) expect(await client.untilHeard(1)).toEqual(["heard"]);
  });
});
