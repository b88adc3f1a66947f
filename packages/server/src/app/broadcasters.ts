import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import type { Broadcaster } from "../broadcast/broadcaster.ts";
import { natsBroadcaster } from "../broadcast/nats/nats-broadcaster.ts";
import { redisBroadcaster } from "../broadcast/redis/redis-broadcaster.ts";
import { RedisStreamBroadcaster } from "../broadcast/redisx/redis-stream-broadcaster.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import type { LinkBook, LinkTo } from "../drivers/link-book.ts";
import { natsText } from "../drivers/nats/nats-link.ts";
import { systemRandom } from "../drivers/random.ts";
import { targetText } from "../drivers/redis/redis-link.ts";
import { natsTarget } from "./nats-target.ts";
import { redisTarget } from "./redis-target.ts";

/**
 * The ways by which publications come in, but for HTTP, which is a route.
 *
 * @param ears for what every server hears.
 * @throws CableError when a file that one of them needs cannot be used.
 */
export function createBroadcasters(
  config: ResolvedConfig,
  engine: Engine,
  ears: Pick<Engine, "hear">,
  log: Log,
  links: LinkBook,
): readonly Broadcaster[] {
  const { broadcast, nats, redis } = config;
  const parts = (to: LinkTo, provider: string) => ({
    ...{ engine, clock: systemClock, random: systemRandom },
    log: log.with({ context: "broadcast", provider }),
    mark: links.open(to, provider),
  });
  const made: Broadcaster[] = [];
  if (broadcast.adapters.includes("redis")) {
    const target = redisTarget(redis);
    const own = parts("redis", "redis");
    own.log.info(`Starting Redis broadcaster: ${targetText(target)}`, { channel: broadcast.redisChannel });
    made.push(redisBroadcaster(target, broadcast.redisChannel, { ...own, engine: ears }));
  }
  if (broadcast.adapters.includes("redisx")) {
    const target = redisTarget(redis);
    const own = parts("redis", "redisx");
    own.log.info(`Starting Redis streams broadcaster: ${targetText(target)}`, {
      stream: broadcast.redisStream.stream,
    });
    made.push(new RedisStreamBroadcaster(target, broadcast.redisStream, { ...own, pubSub: engine.pubSub }));
  }
  if (broadcast.adapters.includes("nats")) {
    const own = parts("nats", "nats");
    own.log.info(`Starting NATS broadcaster: ${natsText(nats)}`, { channel: broadcast.natsChannel });
    made.push(natsBroadcaster(natsTarget(nats), broadcast.natsChannel, own));
  }
  return made;
}
