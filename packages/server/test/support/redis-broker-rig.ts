import { RecordingLog } from "@hawser/core/testing/recording-log";
import { createRedisBroker, type RedisBrokerOptions } from "../../src/broker/redis/redis-broker.ts";
import { systemClock } from "../../src/drivers/clock.ts";
import { systemRandom } from "../../src/drivers/random.ts";
import { parseRedisAddress } from "../../src/drivers/redis/redis-address.ts";
import type { RedisTarget } from "../../src/drivers/redis/redis-connection.ts";
import { until } from "./until.ts";

/** A broker in Redis as a server has it, without the server. */
export interface RedisBrokerRig {
  readonly broker: ReturnType<typeof createRedisBroker>;
  readonly log: RecordingLog;
}

export function redisTargetOf(url: string): RedisTarget {
  const parsed = parseRedisAddress(url);
  if (!parsed.ok) throw new Error(parsed.why);
  const tls = { verify: false, ca: null, cert: null, key: null };
  return { address: parsed.value, sentinels: null, tls, keepaliveMs: 30_000 };
}

export const PRESENCE = { ttlMs: 60_000, lookMs: 20, silentMs: 1_000, tells: false };

/** One that is connected. */
export async function startRedisBroker(
  url: string,
  options: Partial<RedisBrokerOptions> = {},
): Promise<RedisBrokerRig> {
  const log = new RecordingLog();
  const broker = createRedisBroker(
    redisTargetOf(url),
    {
      history: { limit: 100, ttlMs: 60_000 },
      sessionsTtlMs: 60_000,
      presence: PRESENCE,
      revocationsLimit: 1000,
      ...options,
    },
    { clock: systemClock, random: systemRandom, log },
  );
  await until(() => broker.history?.since("is it there?", 0));
  return { broker, log };
}

export function part<T>(found: T | null): T {
  if (found === null) throw new Error("the broker lacks a part");
  return found;
}
