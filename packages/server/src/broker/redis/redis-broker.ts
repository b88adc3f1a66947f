import type { Broker } from "@hawser/core/broker/broker";
import type { RedisTarget } from "../../drivers/redis/redis-connection.ts";
import { BrokerLink, type BrokerLinkParts } from "./broker-link.ts";
import { PRESENCE_SCRIPTS } from "./presence-scripts.ts";
import { BOARD_SCRIPTS, RedisBoard } from "./redis-board.ts";
import { HISTORY_SCRIPTS, RedisHistory, type RedisHistoryOptions } from "./redis-history.ts";
import { RedisPresence, type RedisPresenceOptions } from "./redis-presence.ts";
import { RedisSessions, SESSION_SCRIPTS } from "./redis-sessions.ts";

export interface RedisBrokerOptions {
  readonly history: RedisHistoryOptions;
  /** 0 when sessions are not resumed. */
  readonly sessionsTtlMs: number;
  readonly presence: RedisPresenceOptions;
  /** How many revocations servers may write down for each other. */
  readonly revocationsLimit: number;
}

/** History, sessions and presence in Redis, the same for all servers. It begins to connect at once, for as long as it takes. */
export function createRedisBroker(
  target: RedisTarget,
  { history, sessionsTtlMs, presence: presenceOptions, revocationsLimit }: RedisBrokerOptions,
  parts: BrokerLinkParts,
): Broker {
  const scripts = [...HISTORY_SCRIPTS, ...SESSION_SCRIPTS, ...PRESENCE_SCRIPTS, ...BOARD_SCRIPTS];
  const link = new BrokerLink(target, scripts, parts);
  const sessions = sessionsTtlMs > 0 ? new RedisSessions(sessionsTtlMs, link, parts) : null;
  const presence = new RedisPresence(presenceOptions, link, parts);
  const broker: Broker = {
    history: new RedisHistory(history, link, parts.random),
    sessions,
    presence,
    board: new RedisBoard(revocationsLimit, link, parts.clock),
    close() {
      presence.close();
      sessions?.close();
      return link.stop();
    },
  };
  link.start();
  return broker;
}
