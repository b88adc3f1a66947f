import type { Clock } from "@hawser/core/clock";
import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { LinkMark } from "../../drivers/link-book.ts";
import type { RedisTarget } from "../../drivers/redis/redis-connection.ts";
import { RedisLink } from "../../drivers/redis/redis-link.ts";
import type { Broadcaster } from "../broadcaster.ts";

export interface RedisBroadcasterParts {
  readonly engine: Pick<Engine, "hear">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly mark: LinkMark;
}

/**
 * Takes publications from a channel of Redis (anycable broadcast/legacy_redis.go@1.6.16). Every node hears them all, so that
 * each gives them to its own clients; what is published while there is no connection is lost.
 *
 * Unlike the reference it never gives up, and ends nothing.
 */
export function redisBroadcaster(
  target: RedisTarget,
  channel: string,
  { engine, clock, random, log, mark }: RedisBroadcasterParts,
): Broadcaster {
  const link = new RedisLink(
    target,
    { keyed: false, longestWaitMs: 0, onMessage: (_channel, text) => engine.hear(text) },
    {
      ...{ clock, random, log, mark },
      async onUp(connection, again) {
        await connection.subscribe([channel]);
        log.info(`${again ? "reconnected" : "subscribed"} to Redis channel`, { channel });
      },
    },
  );
  return {
    start: () => link.start(),
    async stop() {
      link.stop();
    },
  };
}
