import { afterAll, beforeAll, describe } from "bun:test";
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
