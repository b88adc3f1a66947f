import type { Broker } from "@hawser/core/broker/broker";
import { MemoryHistory } from "@hawser/core/broker/memory-history";
import { MemoryPresence } from "@hawser/core/broker/memory-presence";
import { MemorySessions } from "@hawser/core/broker/memory-sessions";
import type { Clock } from "@hawser/core/clock";
import type { PubSub } from "@hawser/core/engine/pub-sub";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import { createNatsBroker } from "../broker/nats/nats-broker.ts";
import { createRedisBroker } from "../broker/redis/redis-broker.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import type { LinkBook } from "../drivers/link-book.ts";
import { natsText } from "../drivers/nats/nats-link.ts";
import { targetText } from "../drivers/redis/redis-link.ts";
import { NatsNodes } from "../pubsub/nats/nats-nodes.ts";
import { redisTarget } from "./redis-target.ts";

/** Between two signs of life of a server, by which the others know that its clients are still present. */
const LOOK_MS = 1_000;
/** Too short a time only costs: a server that was taken for dead says again who is present. */
const SILENT_MS = 5_000;

interface BrokerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The other servers; null where this one is alone. */
  readonly outer: PubSub | null;
  readonly links: LinkBook;
}

/**
 * The broker that is configured, and a line about it; null for none.
 *
 * @throws CableError when a file that is needed for it cannot be used.
 */
export function createBroker(
  config: Pick<ResolvedConfig, "broker" | "nats" | "redis" | "revocation">,
  { log, ...others }: BrokerParts,
): Broker | null {
  const parts = { ...others, log: log.with({ context: "broker" }) };
  const { adapter } = config.broker;
  if (adapter === "none") return null;
  if (adapter === "redis") return inRedis(config, parts);
  return adapter === "nats" ? inNats(config, parts) : inMemory(config.broker, parts);
}

function inNats(
  { broker, nats, revocation }: Pick<ResolvedConfig, "broker" | "nats" | "revocation">,
  { outer, ...parts }: BrokerParts,
): Broker {
  if (!(outer instanceof NatsNodes)) throw new Error("a broker in NATS goes with pub/sub by NATS");
  parts.log.info(`Using NATS broker: ${natsText(nats)} (${aboutKeeping(broker).join(", ")})`);
  const { historyLimit: limit, historyTtlMs: ttlMs, sessionsTtlMs, presenceTtlMs } = broker;
  const keeping = { history: { limit, ttlMs }, sessionsTtlMs, presenceTtlMs, replicas: broker.natsReplicas };
  return createNatsBroker(outer.link, { ...keeping, revocationsLimit: revocation.limit }, parts);
}

function inRedis(
  { broker, redis, revocation }: Pick<ResolvedConfig, "broker" | "redis" | "revocation">,
  { links, ...parts }: BrokerParts,
): Broker {
  const target = redisTarget(redis);
  parts.log.info(`Using Redis broker at ${targetText(target)} (${aboutKeeping(broker).join(", ")})`);
  const { historyLimit: limit, historyTtlMs: ttlMs, sessionsTtlMs, presenceTtlMs } = broker;
  const presence = { ttlMs: presenceTtlMs, lookMs: LOOK_MS, silentMs: SILENT_MS, tells: true };
  const keeping = { history: { limit, ttlMs }, sessionsTtlMs, presence };
  const options = { ...keeping, revocationsLimit: revocation.limit };
  return createRedisBroker(target, options, { ...parts, mark: links.open("redis", "broker") });
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
