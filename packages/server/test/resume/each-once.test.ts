import { afterEach, expect, test } from "bun:test";
import { createBroadcaster, createCable, type RpcService, serveRpc } from "@hawser/sdk";
import { type FaultyRelay, startFaultyRelay } from "../support/faulty-relay.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";
import type { ListenerReport, ListenerTask } from "./listener-task.ts";
import { type Listeners, startListeners } from "./listeners.ts";

/**
 * The promise of the broker: a client that loses its connection loses no message. Stock clients behind a relay that
 * breaks their connections all the time, 20 of them, or 200 in `bin/test --full`.
 */
const FULL = process.env.HAWSER_FULL === "1";
const CLIENTS = FULL ? 200 : 20;
const PROCESSES = FULL ? 4 : 1;
const MESSAGES = FULL ? 5000 : 500;
/** A connection lives for a random time between these. */
const LIFE_MS = FULL ? ([500, 4000] as const) : ([100, 1500] as const);
const PER_SECOND = 200;
const SEED = 20_261_125;
const SECRET = "a secret of thirty-two characters";

let server: HawserProcess | null = null;
let relay: FaultyRelay | null = null;
let listeners: Listeners | null = null;
let service: RpcService | null = null;

afterEach(async () => {
  await listeners?.stop();
  relay?.stop();
  await server?.stop();
  await service?.close();
  service = null;
});

test(
  `${CLIENTS} stock clients whose connections break at random get each of ${MESSAGES} messages once and in order`,
  async () => {
    const tokens = Array.from({ length: CLIENTS }, (_, client) => goodToken(SECRET, `user-${client}`));
    const flags = ["--enforce_jwt", "--norpc", "--public_streams"];
    const reports = await listenToAll(flags, { stream: "numbers" }, tokens, PROCESSES, MESSAGES);
    for (const count of Object.values(relay?.faults ?? {})) expect(count).toBeGreaterThan(0);
    expect(reports.reduce((sum, { restored }) => sum + restored, 0)).toBeGreaterThan(CLIENTS / 2);
  },
  FULL ? 180_000 : 90_000,
);

test("so do those that an application lets in, which is asked about each of them once", async () => {
  let connects = 0;
  const cable = createCable({
    identifiers: (raw) => ({ user: Number(Object(raw).user) }),
    connect: () => ({ identifiers: { user: ++connects } }),
  }).channel("NumbersChannel", { params: () => ({}), subscribed: (ctx) => ctx.streamFrom("numbers") });
  service = await serveRpc(cable, { port: 0 });
  const flags = [`--rpc_host=127.0.0.1:${service.port}`, "--rpc_concurrency=100"];
  const strangers = Array.from({ length: 10 }, () => null);
  const reports = await listenToAll(flags, { channel: "NumbersChannel" }, strangers, 1, 300);
  const restored = reports.reduce((sum, report) => sum + report.restored, 0);
  expect(restored).toBeGreaterThan(0);
  // Some were cut before they had read their first welcome, or were closed by the server.
  const anew = reports.reduce((sum, report) => sum + report.resubscribed, 0);
  expect(connects).toBeLessThan(strangers.length + anew + restored);
}, 90_000);

/** Starts a server and listeners behind a faulty relay, publishes, and expects that each has got everything. */
async function listenToAll(
  flags: readonly string[],
  subscription: ListenerTask["subscription"],
  tokens: ListenerTask["tokens"],
  processes: number,
  messages: number,
): Promise<readonly ListenerReport[]> {
  const broker = ["--broker=memory", `--history_limit=${messages}`, "--ping_interval=1"];
  server = await startHawser([`--secret=${SECRET}`, ...flags, ...broker]);
  relay = await startFaultyRelay(server.port, { seed: SEED, lifeMs: LIFE_MS, hangMs: 4000 });
  const url = `ws://127.0.0.1:${relay.port}/cable`;
  listeners = startListeners({ url, subscription, tokens, pingIntervalMs: 1000, seed: SEED }, processes);
  await listeners.all(({ here }) => here, 30_000);
  relay.storm();
  await publishNumbers(server.broadcastPort, messages);
  relay.calm();
  // Whoever is away comes back, and asks for what it missed.
  const isDone = ({ last, faults, lost }: ListenerReport) =>
    last === messages || faults.length > 0 || lost.length > 0;
  await listeners.all(isDone, 60_000);
  const reports = await listeners.report();
  const wronged = reports.filter(({ faults, lost }) => faults.length + lost.length > 0);
  expect(wronged).toEqual([]);
  expect(reports.map(({ count }) => count)).toEqual(tokens.map(() => messages));
  return reports;
}

async function publishNumbers(broadcastPort: number, messages: number): Promise<void> {
  const url = `http://127.0.0.1:${broadcastPort}/_broadcast`;
  const broadcaster = createBroadcaster({ url, secret: SECRET, retryForMs: 0 });
  const startedMs = performance.now();
  for (let number = 1; number <= messages; number += 1) {
    await broadcaster.broadcast("numbers", number);
    const aheadMs = startedMs + (number * 1000) / PER_SECOND - performance.now();
    if (aheadMs > 5) await Bun.sleep(aheadMs);
  }
}
