import { afterEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { startHawser } from "../support/hawser-process.ts";
import { until } from "../support/rpc-rig.ts";
import { scrape, sumOf } from "../support/scrape.ts";
import { createScratch } from "../support/scratch.ts";
import { startTcpFront } from "../support/tcp-front.ts";
import { type Crowd, startCrowd } from "./crowd.ts";
import type { ClientReport } from "./crowd-task.ts";
import { startIssuingApplication } from "./issuing-application.ts";

/**
 * Stock clients that come and go all the time, while the secret that lets them in is replaced: a hundred of them, and a
 * thousand in `bin/test --full`, which also restarts servers.
 */

const [A, B, C] = ["first", "second", "third"].map(
  (name) => `the ${name} secret of more than thirty-two characters`,
) as [string, string, string];
const FULL = process.env.HAWSER_FULL === "1";
const CLIENTS = FULL ? 1000 : 100;
const PROCESSES = FULL ? 4 : 1;
const STAY_MS = FULL ? 5000 : 1500;
const NUMBER_EVERY_MS = FULL ? 100 : 25;
/** How long a replaced secret goes on: longer than it takes a client from a fetched token to its welcome. */
const OVERLAP_S = FULL ? 4 : 3;
const DECK = "all";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
}, 30_000);

function started<T extends { stop(): unknown }>(part: T): T {
  stops.push(() => part.stop());
  return part;
}

/** A file as a secret mount has it: replaced in one step. */
function secretFile() {
  const scratch = createScratch();
  stops.push(() => scratch.remove());
  const path = join(scratch.path, "secret");
  return {
    path,
    replace: (secret: string) => renameSync(scratch.write("secret.new", `${secret}\n`), path),
  };
}

/** Waits until everybody has heard the last number, then adds up. */
async function settle(crowd: Crowd, counting: { stop(): Promise<number> }) {
  crowd.calm();
  await crowd.allHere();
  // Whoever has come this late hears a number too.
  await Bun.sleep(4 * NUMBER_EVERY_MS);
  const last = await counting.stop();
  let reports: ClientReport[] = [];
  await until(async () => {
    reports = await crowd.report();
    return reports.every(({ spans }) => spans.at(-1)?.[1] === last);
  }, 30_000);
  const sum = (of: (report: ClientReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    reports,
    last,
    subscribed: sum(({ subscribed }) => subscribed),
    refreshed: sum(({ refreshed }) => refreshed),
    messages: sum(({ spans }) => spans.reduce((all, [from, to]) => all + to - from + 1, 0)),
  };
}

/** Nobody was turned away for good, and nobody missed a number while subscribed. */
function expectNobodyLost(reports: readonly ClientReport[]): void {
  expect(reports).toHaveLength(CLIENTS);
  expect(reports.filter(({ here }) => !here)).toEqual([]);
  expect(reports.filter(({ closes }) => closes.length > 0)).toEqual([]);
  expect(reports.filter(({ gaps }) => gaps > 0)).toEqual([]);
}

describe(`${CLIENTS} clients that come and go`, () => {
  test("are all let in again while the secret's file is replaced twice and the application follows", async () => {
    const file = secretFile();
    file.replace(A);
    const application = started(await startIssuingApplication(A));
    const server = started(
      await startHawser([
        ...[`--secret_file=${file.path}`, `--jwt_secret_overlap=${OVERLAP_S}`, "--enforce_jwt"],
        ...[`--rpc_host=127.0.0.1:${application.rpcPort}`, "--metrics_http=/metrics"],
      ]),
    );
    const task = {
      url: `ws://127.0.0.1:${server.port}/cable`,
      tokenUrl: application.tokenUrl,
      ...{ stayersEvery: 5, stayMs: STAY_MS, deck: DECK },
    };
    const crowd = started(startCrowd(task, CLIENTS, PROCESSES));
    await crowd.allCame();
    const beganMs = performance.now();
    const counting = application.count(DECK, [server.broadcastPort], NUMBER_EVERY_MS);
    for (const [at, secret] of [B, C].entries()) {
      await Bun.sleep(500);
      file.replace(secret);
      await server.waitFor(new RegExp(`(keys were reloaded[^]*){${at + 1}}`));
      application.signWith(secret);
      // Until the replaced one has had its time, and its bearers have come and been told.
      await Bun.sleep(OVERLAP_S * 1000 + STAY_MS / 2);
    }
    const { reports, last, ...sums } = await settle(crowd, counting);
    const refused = await scrape(server.port);
    const retired = sumOf(refused, "anycable_go_jwt_verifications_total", 'reason="key_retired"');
    expectNobodyLost(reports);
    const stayers = reports.filter(({ stays }) => stays);
    expect(stayers).toHaveLength(CLIENTS / 5);
    for (const { spans, subscribed } of stayers) expect([subscribed, spans]).toEqual([1, [[1, last]]]);
    // Without these the test would have seen no rotation.
    expect(sums.refreshed).toBeGreaterThan(CLIENTS / 5);
    expect(sums.refreshed).toBe(retired);
    expect(sums.subscribed).toBeGreaterThan(1.5 * CLIENTS);
    expect(sumOf(refused, "anycable_go_failed_auths_total")).toBe(retired);
    console.log(
      `${CLIENTS} clients, ${sums.subscribed} subscriptions, ${retired} tokens of a retired key, ${sums.refreshed} ` +
        `refreshes, ${last} numbers, ${sums.messages} messages in ${seconds(beganMs)} s: none lost, none missed`,
    );
  }, 180_000);

  const restarting = FULL ? test : test.skip;
  const skipped = FULL ? "" : " (skipped: bin/test --full runs it)";
  restarting(
    `are all let in again while two servers behind one port are restarted in turn with a new secret${skipped}`,
    async () => {
      const application = started(await startIssuingApplication(A));
      const start = async (secret: string, ...flags: string[]) =>
        startHawser([
          ...[`--secret=${secret}`, "--enforce_jwt", "--metrics_http=/metrics"],
          ...[`--rpc_host=127.0.0.1:${application.rpcPort}`, "--shutdown_timeout=10", ...flags],
        ]);
      const servers = [started(await start(A)), started(await start(A))];
      const ports = servers.map(({ port, broadcastPort }) => ({ port, broadcastPort }));
      const front = started(await startTcpFront(ports.map(({ port }) => port)));
      const task = {
        url: `ws://127.0.0.1:${front.port}/cable`,
        tokenUrl: application.tokenUrl,
        ...{ stayersEvery: 0, stayMs: STAY_MS, deck: DECK },
      };
      const crowd = started(startCrowd(task, CLIENTS, PROCESSES));
      await crowd.allCame();
      const beganMs = performance.now();
      const counting = application.count(
        DECK,
        ports.map(({ broadcastPort }) => broadcastPort),
        NUMBER_EVERY_MS,
      );
      const restart = async (at: number, secret: string, previous: string) => {
        const own = ports[at];
        const server = servers[at];
        if (own === undefined || server === undefined) throw new Error(`there is no server ${at}`);
        front.lead(ports.flatMap(({ port }, other) => (other === at ? [] : [port])));
        server.signal("SIGTERM");
        expect(await server.exited).toBe(0);
        const places = [`--port=${own.port}`, `--http_broadcast_port=${own.broadcastPort}`];
        servers[at] = started(await start(secret, `--jwt_previous_secrets=${previous}`, ...places));
        front.lead(ports.map(({ port }) => port));
        await Bun.sleep(500);
      };
      // First the servers learn the new secret beside the old one, each in its turn, then the application signs with it.
      for (const at of [0, 1]) await restart(at, B, A);
      application.signWith(B);
      await Bun.sleep(500);
      // The next rotation, with the servers the other way round.
      for (const at of [1, 0]) await restart(at, C, `${B},${A}`);
      application.signWith(C);
      const { reports, last, ...sums } = await settle(crowd, counting);
      expectNobodyLost(reports);
      expect(sums.subscribed).toBeGreaterThan(3 * CLIENTS);
      for (const { port } of ports) {
        expect(sumOf(await scrape(port), "anycable_go_failed_auths_total")).toBe(0);
      }
      console.log(
        `${CLIENTS} clients, ${sums.subscribed} subscriptions, 4 restarts, ${last} numbers, ${sums.messages} messages in ` +
          `${seconds(beganMs)} s: none lost, none missed`,
      );
    },
    180_000,
  );
});

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1);
}
