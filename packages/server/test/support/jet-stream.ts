import type { Clock } from "@hawser/core/clock";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { systemClock } from "../../src/drivers/clock.ts";
import { JetStream } from "../../src/drivers/nats/jet-stream.ts";
import { parseNatsAddress } from "../../src/drivers/nats/nats-address.ts";
import { NatsLink } from "../../src/drivers/nats/nats-link.ts";
import { systemRandom } from "../../src/drivers/random.ts";
import { type NatsServer, startNats } from "./nats-server.ts";
import { createScratch } from "./scratch.ts";

/** A NATS with JetStream of a test's own; its store survives a kill. */
export interface JetStreamServer extends NatsServer {
  /** What it is started with. */
  readonly args: readonly string[];
  /** Where its store is. */
  readonly folder: string;
  /** Ends it, and removes its store. */
  remove(): Promise<void>;
}

export async function startJetStream(further: readonly string[] = []): Promise<JetStreamServer> {
  const scratch = createScratch();
  const args = ["--jetstream", "--store_dir", scratch.path, ...further];
  const nats = await startNats(args);
  return {
    ...nats,
    args,
    folder: scratch.path,
    async remove() {
      await nats.kill();
      scratch.remove();
    },
  };
}

/** What an adapter in NATS is made of. */
export interface NatsParts {
  readonly link: NatsLink;
  readonly jetStream: JetStream;
  readonly clock: Clock;
  readonly log: RecordingLog;
  stop(): Promise<void>;
}

/** A connection to it, as a server has one. */
export async function connectJetStream(url: string): Promise<NatsParts> {
  const address = parseNatsAddress(url);
  if (!address.ok) throw new Error(address.why);
  const log = new RecordingLog();
  const parts = { clock: systemClock, random: systemRandom, log };
  const link = new NatsLink(
    {
      address: address.value,
      inOrder: false,
      credentials: null,
      tls: { ca: null, cert: null, key: null },
    },
    { ...parts, onUp: () => {} },
  );
  const jetStream = new JetStream(link, { ...parts, replicas: 1 });
  link.start();
  await jetStream.ready();
  return {
    ...{ link, jetStream, clock: systemClock, log },
    async stop() {
      jetStream.stop();
      await link.stop();
    },
  };
}

/** As if nothing had ever been kept there. */
export async function emptyJetStream({ jetStream }: Pick<NatsParts, "jetStream">): Promise<void> {
  for await (const { config } of jetStream.manager.streams.list()) {
    await jetStream.manager.streams.delete(config.name);
  }
}
