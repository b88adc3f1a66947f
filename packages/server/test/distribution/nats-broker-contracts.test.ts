import { afterAll, beforeAll, describe } from "bun:test";
import { historyContract } from "@hawser/core/broker/history.contract";
import { CONTRACT_TTL_MS, sessionsContract } from "@hawser/core/broker/sessions.contract";
import { NatsHistory } from "../../src/broker/nats/nats-history.ts";
import { NatsSessions } from "../../src/broker/nats/nats-sessions.ts";
import { systemClock } from "../../src/drivers/clock.ts";
import { systemRandom } from "../../src/drivers/random.ts";
import {
  connectJetStream,
  emptyJetStream,
  type JetStreamServer,
  startJetStream,
} from "../support/jet-stream.ts";
import { HAS_NATS } from "../support/nats-server.ts";

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
    await emptyJetStream({ ...parts, jetStream, log });
    const history = new NatsHistory(settings, {
      ...{ jetStream, clock: systemClock, random: systemRandom, log },
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
      sessions: new NatsSessions(CONTRACT_TTL_MS, parts),
      pass: (ms) => Bun.sleep(ms),
      close: () => parts.stop(),
    };
  });
});
