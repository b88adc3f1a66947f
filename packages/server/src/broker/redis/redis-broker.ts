import type { Broker } from "@hawser/core/broker/broker";
import type { RedisTarget } from "../../drivers/redis/redis-connection.ts";
import { BrokerLink, type BrokerLinkParts } from "./broker-link.ts";
import { BOARD_SCRIPTS, RedisBoard } from "./redis-board.ts";
import { HISTORY_SCRIPTS, RedisHistory, type RedisHistoryOptions } from "./redis-history.ts";
import { RedisSessions, SESSION_SCRIPTS } from "./redis-sessions.ts";

export interface RedisBrokerOptions {
  readonly history: RedisHistoryOptions;
  /** 0 when sessions are not resumed. */
  readonly sessionsTtlMs: number;
  /** How many revocations servers may write down for each other. */
  readonly revocationsLimit: number;
}

/** History and sessions in Redis, the same for all servers. It begins to connect at once, for as long as it takes. */
export function createRedisBroker(
  target: RedisTarget,
  { history, sessionsTtlMs, revocationsLimit }: RedisBrokerOptions,
  parts: BrokerLinkParts,
): Broker {
  const link = new BrokerLink(target, [...HISTORY_SCRIPTS, ...SESSION_SCRIPTS, ...BOARD_SCRIPTS], parts);
  const broker: Broker = {
    history: new RedisHistory(history, link, parts.random),
    sessions: sessionsTtlMs > 0 ? new RedisSessions(sessionsTtlMs, link, parts.random) : null,
    presence: null,
    board: new RedisBoard(revocationsLimit, link, parts.clock),
    close: () => link.stop(),
  };
  link.start();
  return broker;
}
