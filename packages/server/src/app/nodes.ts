import type { Log } from "@hawser/core/log";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import type { LinkBook, LinkTo } from "../drivers/link-book.ts";
import { natsText } from "../drivers/nats/nats-link.ts";
import { systemRandom } from "../drivers/random.ts";
import { targetText } from "../drivers/redis/redis-link.ts";
import { NatsNodes } from "../pubsub/nats/nats-nodes.ts";
import type { Nodes } from "../pubsub/nodes.ts";
import { RedisNodes } from "../pubsub/redis/redis-nodes.ts";
import { natsTarget } from "./nats-target.ts";
import { redisTarget } from "./redis-target.ts";

/**
 * The other servers; null where this one is alone.
 *
 * @throws CableError when a file that is needed for it cannot be used.
 */
export function createNodes(
  { broker, pubSub, nats, redis }: ResolvedConfig,
  log: Log,
  links: LinkBook,
): Nodes | null {
  if (pubSub.adapter === "none") return null;
  const own = log.with({ context: "pubsub" });
  const mark = (to: LinkTo) => () => links.open(to, "pubsub");
  const parts = { clock: systemClock, random: systemRandom, log: own };
  if (pubSub.adapter === "nats") {
    own.info(`Starting NATS pub/sub: ${natsText(nats)}`);
    const marked = { ...parts, mark: mark("nats") };
    return new NatsNodes(natsTarget(nats), pubSub.natsChannel, broker.adapter === "nats", marked);
  }
  const target = redisTarget(redis);
  own.info(`Starting Redis pub/sub: ${targetText(target)}`);
  return new RedisNodes(target, pubSub.redisChannel, { ...parts, mark: mark("redis") });
}
