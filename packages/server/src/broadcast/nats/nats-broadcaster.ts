import type { Clock } from "@hawser/core/clock";
import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { LinkMark } from "../../drivers/link-book.ts";
import { NatsLink, type NatsTarget } from "../../drivers/nats/nats-link.ts";
import type { Broadcaster } from "../broadcaster.ts";

export interface NatsBroadcasterParts {
  readonly engine: Pick<Engine, "hear">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly mark: LinkMark;
}

/**
 * Takes publications from a subject of NATS (anycable broadcast/legacy_nats.go@1.6.16). Every node hears them all; what is
 * published while there is no connection is lost.
 */
export function natsBroadcaster(
  target: NatsTarget,
  subject: string,
  { engine, clock, random, log, mark }: NatsBroadcasterParts,
): Broadcaster {
  const link = new NatsLink(target, {
    ...{ clock, random, log, mark },
    onUp: (again) =>
      log.info(`${again ? "reconnected" : "subscribed"} to NATS channel`, { channel: subject }),
  });
  return {
    start() {
      link.subscribe(subject, (text) => engine.hear(text));
      link.start();
    },
    stop: () => link.stop(),
  };
}
