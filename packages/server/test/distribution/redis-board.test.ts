import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Board } from "@hawser/core/broker/board";
import { boardContract } from "@hawser/core/broker/board.contract";
import type { Broker } from "@hawser/core/broker/broker";
import { part, startRedisBroker } from "../support/redis-broker-rig.ts";
import { HAS_REDIS, type RedisServer, startRedis, startRedisCluster } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";

const KINDS = [
  { name: "Redis", start: async (folder: string) => [await startRedis({ folder })] },
  { name: "a cluster of Redis", start: startRedisCluster },
];

for (const { name, start } of KINDS) {
  describe.skipIf(!HAS_REDIS)(`what servers write down for each other in ${name}`, () => {
    const scratch = createScratch();
    let nodes: readonly RedisServer[] = [];
    beforeAll(async () => {
      nodes = await start(scratch.path);
    });
    afterAll(async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      scratch.remove();
    });

    test("goes by itself but for a counter, though no server is left to take it out", async () => {
      await Promise.all(nodes.map((node) => node.command("FLUSHALL")));
      const { broker } = await startRedisBroker(nodes.map((node) => node.url).join());
      const board = part(broker.board ?? null);
      const untilMs = Date.now() + 100_000;
      await board.write([
        { by: "issued_before", value: "ann", issuedBeforeS: 7, untilMs },
        { by: "jti", value: "1", issuedBeforeS: 0, untilMs: untilMs - 50_000 },
      ]);
      await board.look({ server: "s", name: "s", takenMs: 1, keys: [], passing: [] }, 0);
      const lives = new Map<string, number>();
      for (const node of nodes)
        for (const key of (await node.command("KEYS", "hawser:{board}:*")) as string[])
          lives.set(key.replace("hawser:{board}:", ""), Number(await node.command("PTTL", key)));
      const between = (name: string, least: number, most: number) =>
        expect({ name, isRight: (lives.get(name) ?? 0) > least && (lives.get(name) ?? 0) <= most }).toEqual({
          ...{ name, isRight: true },
        });
      for (const name of ["rings", "ring-ends"]) between(name, 0, 15_000);
      for (const name of ["revoked", "places", "befores"]) between(name, 60_000, 100_000);
      expect([lives.size, lives.get("last")]).toEqual([6, -1]);
      await broker.close();
    });

    boardContract(name, async () => {
      await Promise.all(nodes.map((node) => node.command("FLUSHALL")));
      const brokers: Broker[] = [];
      return {
        async make(revocationsLimit): Promise<Board> {
          const { broker } = await startRedisBroker(nodes.map((node) => node.url).join(), {
            revocationsLimit,
          });
          brokers.push(broker);
          return part(broker.board ?? null);
        },
        nowMs: () => Date.now(),
        pass: (ms) => Bun.sleep(ms),
        close: () => Promise.all(brokers.map((broker) => broker.close())).then(() => {}),
      };
    });
  });
}
