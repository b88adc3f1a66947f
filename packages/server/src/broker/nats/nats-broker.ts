import type { Broker } from "@hawser/core/broker/broker";
import type { Clock } from "@hawser/core/clock";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import { JetStream } from "../../drivers/nats/jet-stream.ts";
import type { KeptSettings } from "../../drivers/nats/kept-streams.ts";
import type { NatsLink } from "../../drivers/nats/nats-link.ts";
import { NatsTime } from "../../drivers/nats/nats-time.ts";
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
  /** Servers of a cluster of NATS that keep each of its streams. */
  readonly replicas: number;
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
  const server = random.id(SERVER_ID_LENGTH);
  const jetStream = new JetStream(link, { replicas: options.replicas, clock, random, log });
  const time = new NatsTime(jetStream, clock, log);
  const signs = new SignsOfLife(link, clock, server, () => void store.reload());
  const shared = { jetStream, clock, time, log };
  const history = new NatsHistory(options.history, { ...shared, random, mayForget: () => signs.isFirst });
  const sessions = options.sessionsTtlMs > 0 ? new NatsSessions(options.sessionsTtlMs, shared) : null;
  const store = new PresenceStore(shared);
  const presence = new NatsPresence(options.presenceTtlMs, { clock, time, log, server, store, signs });
  const close = async () => {
    history.close();
    await Promise.all([sessions?.settled(), presence.close()]);
    signs.stop();
    time.stop();
    jetStream.stop();
  };
  const board = new NatsBoard(options.revocationsLimit, { link, jetStream, clock });
  return { history, sessions, presence, board, close };
}
