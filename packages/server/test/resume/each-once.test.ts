import { afterEach, expect, test } from "bun:test";
import { createBroadcaster } from "@hawser/sdk";
import { type FaultyRelay, startFaultyRelay } from "../support/faulty-relay.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";
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

afterEach(async () => {
  await listeners?.stop();
  relay?.stop();
  await server?.stop();
});

test(
  `${CLIENTS} stock clients whose connections break at random get each of ${MESSAGES} messages once and in order`,
  async () => {
    server = await startHawser([
      ...[`--secret=${SECRET}`, "--enforce_jwt", "--norpc", "--public_streams"],
      ...["--broker=memory", `--history_limit=${MESSAGES}`, "--ping_interval=1"],
    ]);
    relay = await startFaultyRelay(server.port, { seed: SEED, lifeMs: LIFE_MS, hangMs: 4000 });
    const tokens = Array.from({ length: CLIENTS }, (_, client) => goodToken(SECRET, `user-${client}`));
    const url = `ws://127.0.0.1:${relay.port}/cable`;
    const task = { url, stream: "numbers", tokens, pingIntervalMs: 1000, seed: SEED };
    listeners = startListeners(task, PROCESSES);
    await listeners.all(({ here }) => here, 30_000);

    await publishNumbers(server.broadcastPort);
    relay.calm();
    // Whoever is away comes back, and asks for what it missed.
    await listeners.all(
      ({ last, faults, lost }) => last === MESSAGES || faults.length > 0 || lost.length > 0,
      60_000,
    );

    const reports = await listeners.report();
    expect(
      reports.flatMap(({ faults, lost }, client) =>
        faults.length + lost.length > 0 ? [{ client, faults, lost }] : [],
      ),
    ).toEqual([]);
    expect(reports.map(({ count }) => count)).toEqual(tokens.map(() => MESSAGES));
    // It was the hard way: every kind of fault, and most came back by resuming.
    for (const count of Object.values(relay.faults)) expect(count).toBeGreaterThan(0);
    const restored = reports.reduce((sum, report) => sum + report.restored, 0);
    expect(restored).toBeGreaterThan(CLIENTS / 2);
  },
  FULL ? 180_000 : 90_000,
);

async function publishNumbers(broadcastPort: number): Promise<void> {
  const url = `http://127.0.0.1:${broadcastPort}/_broadcast`;
  const broadcaster = createBroadcaster({ url, secret: SECRET, retryForMs: 0 });
  const startedMs = performance.now();
  for (let number = 1; number <= MESSAGES; number += 1) {
    await broadcaster.broadcast("numbers", number);
    const aheadMs = startedMs + (number * 1000) / PER_SECOND - performance.now();
    if (aheadMs > 5) await Bun.sleep(aheadMs);
  }
}
