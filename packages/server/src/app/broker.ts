import type { Broker } from "@hawser/core/broker/broker";
import { MemoryHistory } from "@hawser/core/broker/memory-history";
import { MemoryPresence } from "@hawser/core/broker/memory-presence";
import { MemorySessions } from "@hawser/core/broker/memory-sessions";
import type { Clock } from "@hawser/core/clock";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { ResolvedConfig } from "../config/resolved-config.ts";

interface BrokerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The broker that is configured, and a line about it; null for none. */
export function createBroker(
  { adapter, historyLimit, historyTtlMs, sessionsTtlMs, presenceTtlMs }: ResolvedConfig["broker"],
  { clock, random, log }: BrokerParts,
): Broker | null {
  if (adapter === "none") return null;
  const history = new MemoryHistory({ limit: historyLimit, ttlMs: historyTtlMs }, clock, random);
  const presence = new MemoryPresence(clock, presenceTtlMs);
  const about = [
    `epoch: ${history.epoch}`,
    `history limit: ${historyLimit}`,
    `history ttl: ${historyTtlMs / 1000}s`,
    `sessions ttl: ${sessionsTtlMs / 1000}s`,
    `presence ttl: ${presenceTtlMs / 1000}s`,
  ];
  log.info(`Using in-memory broker (${about.join(", ")})`, { context: "broker" });
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
