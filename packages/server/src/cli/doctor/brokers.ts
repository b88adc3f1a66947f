import { messageOf } from "@hawser/core/errors";
import { natsTarget } from "../../app/nats-target.ts";
import { redisTarget } from "../../app/redis-target.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import { probeJetStream } from "../../drivers/nats/jet-stream.ts";
import { natsText, probeNats } from "../../drivers/nats/nats-link.ts";
import { connectRedis } from "../../drivers/redis/redis-connection.ts";
import { targetText } from "../../drivers/redis/redis-link.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { checkRedisBroker } from "./redis-broker.ts";

/** Whether Redis and NATS can be reached, where they are used. */
export async function checkBrokers(config: ResolvedConfig): Promise<Finding[]> {
  const { broadcast, pubSub } = config;
  const uses = (...names: readonly string[]) =>
    names.includes(pubSub.adapter) || broadcast.adapters.some((adapter) => names.includes(adapter));
  return [
    ...(uses("redis", "redisx") ? await checkRedis(config) : []),
    ...(uses("nats") ? [await checkNats(config)] : []),
  ];
}

async function checkRedis({ redis, broadcast, broker }: ResolvedConfig): Promise<Finding[]> {
  const found = findingsOf("Redis");
  const isBroker = broker.adapter === "redis";
  try {
    const target = redisTarget(redis);
    const use = { keyed: isBroker || broadcast.adapters.includes("redisx"), longestWaitMs: 0 };
    const startedMs = systemClock.monotonicMs();
    const connection = await connectRedis(target, use, 0, { clock: systemClock, onEnd: () => {} });
    try {
      await connection.commands.ping();
      const took = Math.round(systemClock.monotonicMs() - startedMs);
      const answered = found.ok(`${targetText(target)} answered in ${took} ms`);
      return isBroker ? [answered, ...(await checkRedisBroker(connection))] : [answered];
    } finally {
      connection.close();
    }
  } catch (thrown) {
    return [found.fail(`it cannot be used: ${messageOf(thrown)}`, "start Redis, or correct --redis_url")];
  }
}

async function checkNats({ broker, nats }: ResolvedConfig): Promise<Finding> {
  const found = findingsOf("NATS");
  const startedMs = systemClock.monotonicMs();
  const keeps = broker.adapter === "nats";
  try {
    await probeNats(natsTarget(nats), keeps ? probeJetStream : undefined);
  } catch (thrown) {
    return found.fail(
      `${natsText(nats)} cannot be used: ${messageOf(thrown)}`,
      keeps
        ? "start nats-server with --jetstream, or correct --nats_servers"
        : "start NATS, or correct --nats_servers",
    );
  }
  const took = Math.round(systemClock.monotonicMs() - startedMs);
  return found.ok(`${natsText(nats)} answered in ${took} ms${keeps ? ", and has JetStream" : ""}`);
}
