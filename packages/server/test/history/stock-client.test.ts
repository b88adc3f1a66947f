import { afterEach, expect, test } from "bun:test";
import { createBroadcaster } from "@hawser/sdk";
import { type Listeners, startListeners } from "../resume/listeners.ts";
import { type FaultyRelay, startFaultyRelay } from "../support/faulty-relay.ts";
import { type HawserProcess, startHawser } from "../support/hawser-process.ts";
import { goodToken } from "../support/tokens.ts";

const SECRET = "a secret of thirty-two characters";
const CLIENTS = 8;
const MESSAGES = 300;
const PER_SECOND = 100;

let server: HawserProcess | null = null;
let relay: FaultyRelay | null = null;
let listeners: Listeners | null = null;

afterEach(async () => {
  await listeners?.stop();
  relay?.stop();
  await server?.stop();
});

test("stock clients that cannot resume subscribe anew, and get what they missed from history, once and in order", async () => {
  server = await startHawser([
    ...[`--secret=${SECRET}`, "--enforce_jwt", "--norpc", "--public_streams"],
    ...["--broker=memory", "--sessions_ttl=0", `--history_limit=${MESSAGES}`, "--ping_interval=1"],
  ]);
  relay = await startFaultyRelay(server.port, { seed: 7, lifeMs: [100, 1500], hangMs: 2000 });
  const tokens = Array.from({ length: CLIENTS }, (_, client) => goodToken(SECRET, `user-${client}`));
  const url = `ws://127.0.0.1:${relay.port}/cable`;
  listeners = startListeners(
    { url, subscription: { stream: "numbers" }, tokens, pingIntervalMs: 1000, seed: 7 },
    1,
  );
  await listeners.all(({ here }) => here, 30_000);
  relay.storm();

  const broadcaster = createBroadcaster({
    url: `http://127.0.0.1:${server.broadcastPort}/_broadcast`,
    secret: SECRET,
  });
  for (let number = 1; number <= MESSAGES; number += 1) {
    await broadcaster.broadcast("numbers", number);
    await Bun.sleep(1000 / PER_SECOND);
  }
  relay.calm();
  await listeners.all(({ last, faults }) => last === MESSAGES || faults.length > 0, 60_000);

  const reports = await listeners.report();
  expect(reports.map(({ count, faults, lost }) => ({ count, faults, lost }))).toEqual(
    tokens.map(() => ({ count: MESSAGES, faults: [], lost: [] })),
  );
  expect(reports.every(({ restored }) => restored === 0)).toBe(true);
  expect(reports.reduce((sum, { resubscribed }) => sum + resubscribed, 0)).toBeGreaterThan(CLIENTS);
}, 120_000);
