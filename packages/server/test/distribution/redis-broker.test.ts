import { afterAll, beforeAll, describe } from "bun:test";
import { historyContract } from "@hawser/core/broker/history.contract";
import { presenceContract } from "@hawser/core/broker/presence.contract";
import { CONTRACT_TTL_MS, sessionsContract } from "@hawser/core/broker/sessions.contract";
import { PRESENCE, part, startRedisBroker } from "../support/redis-broker-rig.ts";
import { HAS_REDIS, type RedisServer, startRedis, startRedisCluster } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";

/** What every broker does, by a real Redis and by a real cluster; time has to be waited for. */

const FULL = process.env.HAWSER_FULL === "1";
const TTL_MS = 700;
const PRESENCE_TTL_MS = 1500;
/** What a timer of the test is late by at most is nothing to wait for; Redis is exact. */
const LATE_MS = 100;

const KINDS: readonly { name: string; start(folder: string): Promise<readonly RedisServer[]> }[] = [
  { name: "Redis", start: async (folder: string) => [await startRedis({ folder })] },
  // The same again takes a minute.
  ...(FULL ? [{ name: "a cluster of Redis", start: startRedisCluster }] : []),
];

for (const { name, start } of KINDS) {
  describe.skipIf(!HAS_REDIS)(`the broker in ${name}`, () => {
    const scratch = createScratch();
    let nodes: readonly RedisServer[] = [];
    const url = () => nodes.map((node) => node.url).join();
    const empty = () => Promise.all(nodes.map((node) => node.command("FLUSHALL")));

    beforeAll(async () => {
      nodes = await start(scratch.path);
    });
    afterAll(async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      scratch.remove();
    });

    historyContract(name, { ttlMs: TTL_MS, lateMs: LATE_MS, examples: 10 }, async (history) => {
      await empty();
      const { broker } = await startRedisBroker(url(), { history });
      return {
        history: part(broker.history),
        nowMs: () => Date.now(),
        pass: (ms) => Bun.sleep(ms),
        stop: () => broker.close(),
      };
    });

    sessionsContract(name, async () => {
      await empty();
      const { broker } = await startRedisBroker(url(), { sessionsTtlMs: CONTRACT_TTL_MS });
      return {
        sessions: part(broker.sessions),
        pass: (ms) => Bun.sleep(ms),
        close: () => broker.close(),
      };
    });

    presenceContract(
      name,
      async () => {
        await empty();
        const { broker } = await startRedisBroker(url(), {
          presence: { ...PRESENCE, ttlMs: PRESENCE_TTL_MS },
        });
        return {
          presence: part(broker.presence),
          ttlMs: PRESENCE_TTL_MS,
          pass: (ms) => Bun.sleep(ms),
          stop: () => broker.close(),
        };
      },
      { soonMs: 400, examples: FULL ? 10 : 1 },
    );
  });
}
