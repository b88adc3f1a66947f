import { afterAll, beforeAll, describe } from "bun:test";
import { historyContract } from "@hawser/core/broker/history.contract";
import { presenceContract } from "@hawser/core/broker/presence.contract";
import { CONTRACT_TTL_MS, sessionsContract } from "@hawser/core/broker/sessions.contract";
import { NatsHistory } from "../../src/broker/nats/nats-history.ts";
import { NatsPresence } from "../../src/broker/nats/nats-presence.ts";
import { NatsSessions } from "../../src/broker/nats/nats-sessions.ts";
import { PresenceStore } from "../../src/broker/nats/presence-store.ts";
import { SignsOfLife } from "../../src/broker/nats/signs-of-life.ts";
import { systemClock } from "../../src/drivers/clock.ts";
import { systemRandom } from "../../src/drivers/random.ts";
import {
  connectJetStream,
  emptyJetStream,
  type JetStreamServer,
  startJetStream,
} from "../support/jet-stream.ts";
import { HAS_NATS } from "../support/nats-server.ts";

/** Of presence: long beside what its calls take. */
const TTL_MS = 600;

let nats: JetStreamServer;

beforeAll(async () => {
  if (HAS_NATS) nats = await startJetStream();
});
afterAll(async () => {
  await nats?.remove();
});

describe.skipIf(!HAS_NATS)("in a NATS with JetStream", () => {
  historyContract("NatsHistory", { ttlMs: 500 }, async (settings) => {
    const { jetStream, log, ...parts } = await connectJetStream(nats.url);
    await emptyJetStream({ jetStream });
    const history = new NatsHistory(settings, {
      ...{ jetStream, clock: systemClock, time: systemClock, random: systemRandom, log },
      mayForget: () => true,
    });
    return {
      history,
      nowMs: () => Date.now(),
      pass: (ms) => Bun.sleep(ms),
      async stop() {
        history.close();
        await parts.stop();
      },
    };
  });

  sessionsContract("NatsSessions", async () => {
    const parts = await connectJetStream(nats.url);
    await emptyJetStream(parts);
    return {
      sessions: new NatsSessions(CONTRACT_TTL_MS, { ...parts, time: systemClock }),
      pass: (ms) => Bun.sleep(ms),
      close: () => parts.stop(),
    };
  });

  presenceContract(
    "NatsPresence",
    async () => {
      const { link, jetStream, clock, log, stop } = await connectJetStream(nats.url);
      await emptyJetStream({ jetStream });
      const server = systemRandom.id(11);
      const signs = new SignsOfLife(link, clock, server);
      const store = new PresenceStore({ jetStream, clock, time: clock, log });
      const presence = new NatsPresence(TTL_MS, { store, signs, clock, time: clock, log, server });
      return {
        ...{ presence, ttlMs: TTL_MS },
        pass: (ms) => Bun.sleep(ms),
        async stop() {
          await presence.close();
          signs.stop();
          await stop();
        },
      };
    },
    { soonMs: 200, examples: 3 },
  );
});
