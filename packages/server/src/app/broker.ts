import type { Broker } from "@hawser/core/broker/broker";
import { MemoryHistory } from "@hawser/core/broker/memory-history";
import { MemoryPresence } from "@hawser/core/broker/memory-presence";
import { MemorySessions } from "@hawser/core/broker/memory-sessions";
import type { Clock } from "@hawser/core/clock";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import { createRedisBroker } from "../broker/redis/redis-broker.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { targetText } from "../drivers/redis/redis-link.ts";
import { redisTarget } from "./redis-target.ts";

interface BrokerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * The broker that is configured, and a line about it; null for none.
 *
 * @throws CableError when a file that is needed for it cannot be used.
 */
export function createBroker(
  config: Pick<ResolvedConfig, "broker" | "redis" | "revocation">,
  { clock, random, log }: BrokerParts,
): Broker | null {
  const parts = { clock, random, log: log.with({ context: "broker" }) };
  const { adapter } = config.broker;
  if (adapter === "none") return null;
  return adapter === "redis" ? inRedis(config, parts) : inMemory(config.broker, parts);
}

function inRedis(
  { broker, redis, revocation }: Pick<ResolvedConfig, "broker" | "redis" | "revocation">,
  parts: BrokerParts,
): Broker {
  const target = redisTarget(redis);
  parts.log.info(`Using Redis broker at ${targetText(target)} (${aboutKeeping(broker).join(", ")})`);
  const { historyLimit: limit, historyTtlMs: ttlMs, sessionsTtlMs } = broker;
  const revocationsLimit = revocation.limit;
  return createRedisBroker(target, { history: { limit, ttlMs }, sessionsTtlMs, revocationsLimit }, parts);
}

function inMemory(config: ResolvedConfig["broker"], { clock, random, log }: BrokerParts): Broker {
  const { historyLimit, historyTtlMs, sessionsTtlMs, presenceTtlMs } = config;
  const history = new MemoryHistory({ limit: historyLimit, ttlMs: historyTtlMs }, clock, random);
  const presence = new MemoryPresence(clock, presenceTtlMs);
  const about = [`epoch: ${history.epoch}`, ...aboutKeeping(config)];
  log.info(`Using in-memory broker (${about.join(", ")})`);
  const sessions = sessionsTtlMs > 0 ? new MemorySessions({ clock, ttlMs: sessionsTtlMs }) : null;
  const close = () => {
    history.close();
    sessions?.close();
    presence.close();
  };
  return { history, sessions, presence, close };
}

/** Whether what the broker keeps is the same for all servers. */
export function isBrokerShared({ adapter }: ResolvedConfig["broker"]): boolean {
  return adapter !== "none" && adapter !== "memory";
}

function aboutKeeping({
  historyLimit,
  historyTtlMs,
  sessionsTtlMs,
  presenceTtlMs,
}: ResolvedConfig["broker"]): readonly string[] {
  return [
    `history limit: ${historyLimit}`,
    `history ttl: ${historyTtlMs / 1000}s`,
    `sessions ttl: ${sessionsTtlMs / 1000}s`,
    `presence ttl: ${presenceTtlMs / 1000}s`,
  ];
}
