import type { Broker } from "@hawser/core/broker/broker";
import type { Clock } from "@hawser/core/clock";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import { JetStream } from "../../drivers/nats/jet-stream.ts";
import type { KeptSettings } from "../../drivers/nats/kept-streams.ts";
import type { NatsLink } from "../../drivers/nats/nats-link.ts";
import { NatsBoard } from "./nats-board.ts";
import { NatsHistory } from "./nats-history.ts";
import { NatsPresence } from "./nats-presence.ts";
import { NatsSessions } from "./nats-sessions.ts";
import { PresenceStore } from "./presence-store.ts";
import { SignsOfLife } from "./signs-of-life.ts";

export interface NatsBrokerOptions {
  readonly history: KeptSettings;
  /** 0 when sessions are not resumed. */
  readonly sessionsTtlMs: number;
  readonly presenceTtlMs: number;
  /** How many revocations servers may write down for each other. */
  readonly revocationsLimit: number;
}

export interface NatsBrokerParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const SERVER_ID_LENGTH = 11;

/**
 * History, sessions and presence in NATS, the same for all servers.
 *
 * @param link the connection of pub/sub: what is asked by it is answered behind what it follows.
 */
export function createNatsBroker(
  link: NatsLink,
  options: NatsBrokerOptions,
  { clock, random, log }: NatsBrokerParts,
): Broker {
  const jetStream = new JetStream(link, { clock, random, log });
  const history = new NatsHistory(options.history, { jetStream, clock, random, log });
  const sessions =
    options.sessionsTtlMs > 0 ? new NatsSessions(options.sessionsTtlMs, { jetStream, clock }) : null;
  const server = random.id(SERVER_ID_LENGTH);
  const presence = new NatsPresence(options.presenceTtlMs, {
    ...{ clock, log, server },
    store: new PresenceStore({ jetStream, clock, log }),
    signs: new SignsOfLife(link, clock, server),
  });
  const close = async () => {
    history.close();
    await Promise.all([sessions?.settled(), presence.close()]);
    jetStream.stop();
  };
  const board = new NatsBoard(options.revocationsLimit, { link, jetStream, clock });
  return { history, sessions, presence, board, close };
}
