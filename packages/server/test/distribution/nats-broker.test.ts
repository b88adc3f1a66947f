import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { publish } from "../support/cable-client.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { type JetStreamServer, startJetStream } from "../support/jet-stream.ts";
import { HAS_NATS } from "../support/nats-server.ts";
import { ClusterClient, message, untilJoined } from "./cluster-client.ts";

let nats: JetStreamServer;
const running: { stop(): Promise<void> }[] = [];
const clients: ClusterClient[] = [];

beforeAll(async () => {
  if (HAS_NATS) nats = await startJetStream();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((one) => one.stop()));
});
afterAll(async () => {
  await nats?.remove();
});

async function start(...flags: string[]): Promise<HawserProcess> {
  const server = await startHawser([
    ...[
      "--norpc",
      "--public",
      "--broker=nats",
      `--nats_servers=${nats.url}`,
      "--metrics_http=/metrics",
      ...flags,
    ],
  ]);
  running.push(server);
  await server.waitFor(/ connected .*context=pubsub channel=/);
  return server;
}

const EXTENDED = ["actioncable-v1-ext-json"];

async function join({ port }: { readonly port: number }, stream?: string): Promise<ClusterClient> {
  const client = await ClusterClient.join(port, stream, EXTENDED);
  clients.push(client);
  return client;
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.skipIf(!HAS_NATS)("history in NATS", () => {
  test("is told by any server, and heard by all in its order", async () => {
    const [a, b] = [await start(), await start()];
    expect(a.output()).toContain(
      `Using NATS broker: ${nats.url} (history limit: 100, history ttl: 300s, sessions ttl: 300s, presence ttl: 15s)`,
    );
    const both = [await join(a, "told"), await join(b, "told")];
    await untilJoined(both, a.broadcastPort, "told");
    await Promise.all(
      numbers(60).map((n) => publish((n % 2 === 0 ? a : b).broadcastPort, message(n, "told"))),
    );
    const [first, second] = await Promise.all(both.map((client) => client.untilHeard(60)));
    expect(second).toEqual(first as unknown[]);
    const late = await join(b, "told");
    late.cable.send({ command: "history", identifier: late.identifier, history: { since: 1 } });
    expect(await late.untilHeard(60)).toEqual(first as unknown[]);
  }, 60_000);
});
