import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createBroadcaster } from "@hawser/sdk";
import { type Listeners, startListeners } from "../resume/listeners.ts";
import { type FaultyRelay, startFaultyRelay } from "../support/faulty-relay.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { HAS_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";
import { createScratch } from "../support/scratch.ts";
import { goodToken } from "../support/tokens.ts";

const SECRET = "a secret of thirty-two characters";
const CLIENTS = 8;
const MESSAGES = 300;
const PER_SECOND = 100;

const scratch = createScratch();
let redis: RedisServer | null = null;
let server: HawserProcess | null = null;
let relay: FaultyRelay | null = null;
let listeners: Listeners | null = null;

beforeAll(async () => {
  if (HAS_REDIS) redis = await startRedis({ folder: scratch.path });
});

afterEach(async () => {
  await listeners?.stop();
  relay?.stop();
  await server?.stop();
});

afterAll(async () => {
  await redis?.kill();
  scratch.remove();
});

const CASES = [
  { how: "that cannot resume subscribe anew, and", resumes: false, byRedis: false },
  { how: "that cannot resume, of messages that go by way of Redis,", resumes: false, byRedis: true },
  { how: "that resume, of messages that go by way of Redis,", resumes: true, byRedis: true },
];

for (const { how, resumes, byRedis } of CASES) {
  test.skipIf(byRedis && !HAS_REDIS)(
    `stock clients ${how} get what they missed from history, once and in order`,
    async () => {
      server = await startHawser([
        ...[`--secret=${SECRET}`, "--enforce_jwt", "--norpc", "--public_streams", "--ping_interval=1"],
        ...["--broker=memory", `--history_limit=${MESSAGES}`, `--sessions_ttl=${resumes ? 60 : 0}`],
        ...(byRedis ? [`--redis_url=${redis?.url}`, "--broadcast_adapter=http"] : []),
      ]);
      relay = await startFaultyRelay(server.port, { seed: 7, lifeMs: [100, 1500], hangMs: 2000 });
      const tokens = Array.from({ length: CLIENTS }, (_, client) => goodToken(SECRET, `user-${client}`));
      const url = `ws://127.0.0.1:${relay.port}/cable`;
      const subscription = { stream: "numbers" };
      listeners = startListeners({ url, subscription, tokens, pingIntervalMs: 1000, seed: 7 }, 1);
      await listeners.all(({ here }) => here, 30_000);
      relay.storm();

      const broadcaster = createBroadcaster({
        url: `http://127.0.0.1:${server.broadcastPort}/_broadcast`,
        secret: SECRET,
      });
      for (let number = 1; number <= MESSAGES; number += 1) {
        await broadcaster.broadcast("numbers", number);
        await Bun.sleep(1000 / PER_SECOND);
      }
      relay.calm();
      await listeners.all(({ last, faults }) => last === MESSAGES || faults.length > 0, 60_000);

      const reports = await listeners.report();
      expect(reports.map(({ count, faults, lost }) => ({ count, faults, lost }))).toEqual(
        tokens.map(() => ({ count: MESSAGES, faults: [], lost: [] })),
      );
      const sum = (name: "restored" | "resubscribed") =>
        reports.reduce((count, report) => count + report[name], 0);
      expect(sum(resumes ? "restored" : "resubscribed")).toBeGreaterThan(CLIENTS);
      if (!resumes) expect(sum("restored")).toBe(0);
    },
    120_000,
  );
}
