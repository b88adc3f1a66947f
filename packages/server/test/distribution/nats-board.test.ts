import { afterAll, beforeAll, describe } from "bun:test";
import { boardContract } from "@hawser/core/broker/board.contract";
import { NatsBoard } from "../../src/broker/nats/nats-board.ts";
import { systemClock } from "../../src/drivers/clock.ts";
import {
  connectJetStream,
  emptyJetStream,
  type JetStreamServer,
  type NatsParts,
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

describe.skipIf(!HAS_NATS)("what servers write down for each other in NATS", () => {
  boardContract("NatsBoard", async () => {
    const first = await connectJetStream(nats.url);
    await emptyJetStream(first);
    const connected: NatsParts[] = [first];
    return {
      async make(limit) {
        const { link, jetStream, ...parts } = await connectJetStream(nats.url);
        connected.push({ link, jetStream, ...parts });
        return new NatsBoard(limit, { link, jetStream, clock: systemClock });
      },
      nowMs: () => Date.now(),
      pass: (ms) => Bun.sleep(ms),
      close: () => Promise.all(connected.map((parts) => parts.stop())).then(() => {}),
    };
  });
});
