/*
 * What it costs that messages go by a broker from server to server: bun bench/pubsub.ts [--clients N] [--rounds N] [--over A,B]
 *
 * One server alone, then one and two that pass messages on by Redis and by NATS, and the reference beside each where it is on
 * PATH. Clients follow one public stream, half of them on each of two servers; messages are published to the first by HTTP. Then as
 * many streams as there are clients, at most a thousand, have one subscriber each, and messages go to one after the other: that is
 * what a publication costs. CPU is that of all servers, without the broker's, which has a column of its own. The peers take turns; the
 * figures are medians. By way of a broker a delivery may cost 1.4 times what it costs without, and a publication 0.75 of the
 * reference's: exit 1 when not.
 */
import { parseArgs } from "node:util";
import { startLoadClient } from "./load-client.ts";
import { isInstalled, type PeerName, type RunningPeer, startPeer } from "./peers.ts";
import { machineCpuSeconds, usageOf } from "./process-tree.ts";
import { table } from "./report.ts";
import { freePort, type Started, startServer, waitForPort } from "./spawn.ts";
import { summarize } from "./statistics.ts";
import { writeTokens } from "./tokens.ts";

const AT_A_TIME = 200;
const WARM_UP_MESSAGES = 15;
const MESSAGES = 45;
const PER_SECOND = 15;
const MOST_STREAMS = 1_000;
const PUBLICATIONS = 3_000;
const PUBLICATIONS_PER_SECOND = 1_000;
/** Until the broker has heard who follows what. */
const SETTLE_MS = 500;
const PATIENCE_MS = 20_000;
const MOST_NOISE = 0.1;
/** Of what one costs a server alone: nothing is to be done for each client but what is done there. */
const DELIVERY_AT_MOST = 1.4;
/** Of the reference's. */
const PUBLICATION_AT_MOST = 0.75;

interface Figures {
  readonly cpuUsPerDelivery: number;
  readonly cpuUsPerPublication: number;
  readonly brokerUsPerPublication: number;
  readonly p50Ms: number;
  readonly noise: number;
}

interface Running {
  readonly broker: Started;
  /** What servers are started with to use it. */
  readonly flags: readonly string[];
}

const BROKERS = {
  redis: () =>
    running("redis-server", (port) => ({
      args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      flags: ["--pubsub=redis", `--redis_url=redis://127.0.0.1:${port}`],
    })),
  nats: () =>
    running("nats-server", (port) => ({
      args: ["-a", "127.0.0.1", "-p", `${port}`],
      flags: ["--pubsub=nats", `--nats_servers=nats://127.0.0.1:${port}`],
    })),
} as const;

type BrokerName = keyof typeof BROKERS;

async function running(
  program: string,
  setUp: (port: number) => { args: readonly string[]; flags: readonly string[] },
): Promise<Running> {
  const port = freePort();
  const { args, flags } = setUp(port);
  const broker = startServer(program, [program, ...args]);
  await waitForPort(port, broker);
  return { broker, flags };
}

interface Setting {
  readonly over: BrokerName | null;
  readonly servers: 1 | 2;
}

async function play(name: PeerName, { over, servers }: Setting, clients: number): Promise<Figures> {
  const by = over === null ? null : await BROKERS[over]();
  const peers: RunningPeer[] = [];
  try {
    const flags = ["--broadcast_adapter=http", ...(by?.flags ?? [])];
    for (let i = 0; i < servers; i++) peers.push(await startPeer(name, { kind: "jwt" }, flags));
    for (const { broadcastPort } of peers) await untilTaken(broadcastPort);
    return await measure(peers, by?.broker ?? null, clients);
  } finally {
    for (const { server } of peers) await server.stop();
    await by?.broker.stop();
  }
}

/** A server without a connection to its broker takes no publications. */
async function untilTaken(broadcastPort: number): Promise<void> {
  const body = JSON.stringify({ stream: "nobody", data: "1" });
  for (const endMs = performance.now() + PATIENCE_MS; ; await Bun.sleep(20)) {
    const { status } = await fetch(`http://127.0.0.1:${broadcastPort}/_broadcast`, { method: "POST", body });
    if (status === 201) return;
    if (performance.now() > endMs) throw new Error(`publications are answered ${status}`);
  }
}

async function measure(
  peers: readonly RunningPeer[],
  broker: Started | null,
  count: number,
): Promise<Figures> {
  const [first] = peers;
  if (first === undefined) throw new Error("a measurement of no servers was asked for");
  const load = startLoadClient({
    port: peers.map(({ port }) => port),
    broadcastPort: first.broadcastPort,
    tokens: writeTokens(count),
  });
  const cpu = () => {
    const servers = peers.reduce((sum, { server }) => sum + usageOf(server.pid).cpuSeconds, 0);
    const ofBroker = broker === null ? 0 : usageOf(broker.pid).cpuSeconds;
    const own = process.cpuUsage();
    const others = usageOf(load.pid).cpuSeconds + (own.user + own.system) / 1e6;
    return {
      servers,
      ofBroker,
      foreign: machineCpuSeconds() - servers - ofBroker - others,
      at: performance.now(),
    };
  };
  try {
    const { welcomed } = await load.connect(count, AT_A_TIME);
    const { confirmed } = await load.subscribe();
    if (welcomed !== count || confirmed !== count) {
      throw new Error(`of ${count} clients ${welcomed} were welcomed, ${confirmed} confirmed`);
    }
    await Bun.sleep(SETTLE_MS);
    complete(await load.broadcast(WARM_UP_MESSAGES, PER_SECOND));
    const began = cpu();
    const fanOut = complete(await load.broadcast(MESSAGES, PER_SECOND));
    const fannedOut = cpu();

    const streams = Math.min(count, MOST_STREAMS);
    await load.spread(0, streams);
    await Bun.sleep(SETTLE_MS);
    complete(await load.scatter(PUBLICATIONS, PUBLICATIONS_PER_SECOND, streams));
    const before = cpu();
    complete(await load.scatter(PUBLICATIONS, PUBLICATIONS_PER_SECOND, streams));
    const after = cpu();
    const busyMs = fannedOut.at - began.at + (after.at - before.at);
    const foreign = fannedOut.foreign - began.foreign + (after.foreign - before.foreign);
    return {
      cpuUsPerDelivery: ((fannedOut.servers - began.servers) * 1e6) / fanOut.delivered,
      cpuUsPerPublication: ((after.servers - before.servers) * 1e6) / PUBLICATIONS,
      brokerUsPerPublication: ((after.ofBroker - before.ofBroker) * 1e6) / PUBLICATIONS,
      p50Ms: fanOut.p50_ms,
      noise: Math.max(0, foreign) / (busyMs / 1000),
    };
  } finally {
    await load.stop();
  }
}

function complete<A extends { readonly expected: number; readonly delivered: number }>(answer: A): A {
  if (answer.delivered === answer.expected) return answer;
  throw new Error(`of ${answer.expected} deliveries ${answer.delivered} arrived`);
}

interface Row extends Setting {
  readonly peer: PeerName;
  readonly seen: Figures[];
}

const settingText = ({ over, servers }: Setting): string =>
  over === null ? "alone" : `${over}, ${servers === 1 ? "one server" : "two servers"}`;

const median = ({ seen }: Row, name: keyof Figures): number => summarize(seen.map((one) => one[name])).median;

interface Bound {
  readonly about: string;
  readonly ratio: number;
  readonly atMost: number;
}

function boundsOf(rows: readonly Row[]): Bound[] {
  const row = (peer: PeerName, { over, servers }: Setting) =>
    rows.find((one) => one.peer === peer && one.over === over && one.servers === servers);
  const alone = row("hawser", { over: null, servers: 1 });
  const bounds: Bound[] = [];
  for (const ours of rows) {
    if (ours.peer !== "hawser" || ours.over === null || alone === undefined) continue;
    const about = `a delivery over ${settingText(ours)}, beside one alone`;
    const ratio = median(ours, "cpuUsPerDelivery") / median(alone, "cpuUsPerDelivery");
    bounds.push({ about, ratio, atMost: DELIVERY_AT_MOST });
    const theirs = row("anycable-go", ours);
    if (theirs === undefined) continue;
    bounds.push({
      about: `a publication over ${settingText(ours)}, beside anycable-go`,
      ratio: median(ours, "cpuUsPerPublication") / median(theirs, "cpuUsPerPublication"),
      atMost: PUBLICATION_AT_MOST,
    });
  }
  return bounds;
}

/** @returns whether all bounds were kept. */
async function main(clients: number, rounds: number, over: readonly BrokerName[]): Promise<boolean> {
  const settings: Setting[] = [
    { over: null, servers: 1 },
    ...over.flatMap((name) => [{ over: name, servers: 1 } as const, { over: name, servers: 2 } as const]),
  ];
  const peers: PeerName[] = (["hawser", "anycable-go"] as const).filter(isInstalled);
  const rows: Row[] = settings.flatMap((setting) => peers.map((peer) => ({ ...setting, peer, seen: [] })));
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) row.seen.push(await play(row.peer, row, clients));
  }
  console.log(`${clients} clients of one stream, then of one each; ${rounds} rounds`);
  console.log(
    table([
      ["", "CPU a delivery", "p50", "CPU a publication", "the broker's", "noise"],
      ...rows.map((row) => [
        `${row.peer}, ${settingText(row)}`,
        `${median(row, "cpuUsPerDelivery").toFixed(2)} us`,
        `${median(row, "p50Ms").toFixed(1)} ms`,
        `${median(row, "cpuUsPerPublication").toFixed(0)} us`,
        row.over === null ? "-" : `${median(row, "brokerUsPerPublication").toFixed(0)} us`,
        `${median(row, "noise").toFixed(2)} cores`,
      ]),
    ]),
  );
  if (rows.some((row) => median(row, "noise") > MOST_NOISE))
    console.log("other programs kept the machine busy");
  const bounds = boundsOf(rows);
  const verdict = (isKept: boolean) => (isKept ? "ok" : "BROKEN");
  for (const { about, ratio, atMost } of bounds) {
    console.log(`${verdict(ratio <= atMost)}  ${about}: ${ratio.toFixed(2)}, at most ${atMost}`);
  }
  return bounds.every(({ ratio, atMost }) => ratio <= atMost);
}

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "5000" },
    rounds: { type: "string", default: "3" },
    over: { type: "string", default: "redis,nats" },
  },
});
const over = (["redis", "nats"] as const).filter((name) => values.over.split(",").includes(name));
process.exitCode = (await main(Number(values.clients), Number(values.rounds), over)) ? 0 : 1;
