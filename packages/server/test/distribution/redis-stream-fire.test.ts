import { afterAll, expect, test } from "bun:test";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, startRedis } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";
import { ClusterClient, message } from "./cluster-client.ts";

/*
 * Publications go into the stream while the servers that read it are killed and started, and one is held up past its lease.
 * A client of a server that is left alone hears each at least once, and for the first time in its turn.
 */

const FULL = process.env.HAWSER_FULL === "1";
const MESSAGES = FULL ? 20_000 : 2_000;
/** Of publications, between two blows. */
const BLOW_EVERY = FULL ? 1_500 : 600;
const STREAMS = ["a", "b", "c"];
/** Added at once, and as fast as they are taken: whoever is struck has some of them under way. */
const CHUNK = 100;

const scratch = createScratch();
afterAll(() => scratch.remove());

test.skipIf(!HAS_REDIS)(
  `${MESSAGES} publications survive the deaths of their readers, in order`,
  async () => {
    const redis = await startRedis({ folder: scratch.path });
    const running = new Set<HawserProcess>();
    const start = async (...flags: string[]) => {
      const server = await startHawser([
        ...["--norpc", "--public", "--pubsub=redis", `--redis_url=${redis.url}`, ...flags],
      ]);
      running.add(server);
      await server.waitFor(/ connected .*context=pubsub/);
      return server;
    };
    const reader = () => start("--broadcast_adapter=redisx");
    try {
      const quiet = await start("--broadcast_adapter=http");
      const followers = await Promise.all(STREAMS.map((stream) => ClusterClient.join(quiet.port, stream)));
      for (const stream of STREAMS)
        await until(async () => expect(await redis.command("PUBLISH", stream, "{}")).toBe(1));
      const readers = [await reader(), await reader()];
      await Promise.all(readers.map((one) => one.waitFor(/ connected to Redis stream/)));
      let blows = 0;
      let strikes: Promise<void> = Promise.resolve();
      const strike = async (): Promise<void> => {
        const at = blows % readers.length;
        const victim = readers[at];
        blows += 1;
        if (victim === undefined) return;
        if (blows % 4 === 3) {
          victim.signal("SIGSTOP");
          await Bun.sleep(2_500);
          victim.signal("SIGCONT");
          return;
        }
        victim.signal("SIGKILL");
        await victim.exited;
        running.delete(victim);
        readers[at] = await reader();
      };
      for (let from = 0; from < MESSAGES; from += CHUNK) {
        const added = Array.from({ length: CHUNK }, (_, index) => {
          const n = from + index;
          const payload = JSON.stringify(message(n, STREAMS[n % STREAMS.length] ?? ""));
          return redis.command("XADD", "__anycable__", "*", "payload", payload);
        });
        if (from % BLOW_EVERY === 0 && from > 0) {
          await strikes;
          strikes = strike();
        }
        await Promise.all(added);
      }
      await strikes;
      expect(blows).toBeGreaterThanOrEqual(FULL ? 10 : 3);
      await until(async () => expect(await redis.command("XLEN", "__anycable__")).toBe(0), 60_000);
      for (const [index, { heard }] of followers.entries()) {
        const all = Array.from({ length: MESSAGES }, (_, n) => n).filter((n) => n % STREAMS.length === index);
        // The stream is empty once the last has been handed to the other servers, which is before it is with their clients.
        await until(async () => expect(new Set(heard).size).toBe(all.length), 10_000);
        expect([...new Set(heard)]).toEqual(all);
      }
      const heard = followers.reduce((sum, follower) => sum + follower.heard.length, 0);
      console.log(`${MESSAGES} publications, ${blows} blows: ${heard - MESSAGES} came twice`);
      for (const follower of followers) follower.close();
    } finally {
      await Promise.all([...running].map((server) => server.stop()));
      await redis.kill();
    }
  },
  240_000,
);
