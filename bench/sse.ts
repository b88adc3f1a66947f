/*
 * Event streams beside WebSockets, and beside the reference where it is on PATH: bun bench/sse.ts [--clients N] [--rounds N]
 *
 * Every client comes with its own HS256 token and follows one public stream. Memory is what a connection holds after some
 * seconds of pings; then messages are published, and CPU is what a delivery costs. The peers take turns, each time with a new
 * process; the figures are medians. A stream may hold at most twice what a WebSocket of the same server holds: exit 1 when not.
 */
import { parseArgs } from "node:util";
import { startLoadClient } from "./load-client.ts";
import { isInstalled, type PeerName, type RunningPeer, startPeer } from "./peers.ts";
import { usageOf } from "./process-tree.ts";
import { table } from "./report.ts";
import { summarize } from "./statistics.ts";
import { BENCH_SECRET, signToken, writeTokens } from "./tokens.ts";

const AT_MOST = 2;
const AT_A_TIME = 200;
const START_UP_MS = 500;
const IDLE_MS = 7000;
const WARM_UP_MESSAGES = 15;
const MESSAGES = 30;
const PER_SECOND = 15;
const PATIENCE_MS = 20_000;

interface Figures {
  readonly kbPerConnection: number;
  readonly cpuUsPerConnect: number;
  readonly cpuUsPerDelivery: number;
}

/** How clients come: opens them all, publishes so many messages and waits until all have arrived. */
interface Clients {
  connect(): Promise<void>;
  publish(messages: number): Promise<void>;
  stop(): Promise<void>;
}

type MakeClients = (peer: RunningPeer, count: number) => Clients;

const webSockets: MakeClients = ({ port, broadcastPort }, count) => {
  const load = startLoadClient({ port, broadcastPort, tokens: writeTokens(count) });
  return {
    async connect() {
      const { welcomed } = await load.connect(count, AT_A_TIME);
      const { confirmed } = await load.subscribe();
      if (welcomed !== count || confirmed !== count)
        throw new Error(`${welcomed} welcomed, ${confirmed} confirmed`);
    },
    async publish(messages) {
      const { expected, delivered } = await load.broadcast(messages, PER_SECOND);
      if (delivered !== expected) throw new Error(`${delivered} of ${expected} arrived`);
    },
    stop: () => load.stop(),
  };
};

/** Once in each message, and in nothing else that a server sends. */
const MARK = "~";
const BODY = JSON.stringify({ stream: "bench", data: JSON.stringify({ text: `${MARK}${"x".repeat(100)}` }) });

const eventStreams: MakeClients = ({ port, broadcastPort }, count) => {
  const now = Math.floor(Date.now() / 1000);
  const sockets: { end(): void }[] = [];
  let confirmed = 0;
  let heard = 0;
  const socket = {
    data(_: unknown, chunk: Buffer) {
      for (let at = chunk.indexOf(MARK); at >= 0; at = chunk.indexOf(MARK, at + 1)) heard += 1;
      if (chunk.includes("event: confirm_subscription")) confirmed += 1;
    },
  };
  const open = async (user: number) => {
    const token = signToken(BENCH_SECRET, { user_id: user }, now, 36_000);
    const opened = await Bun.connect({ hostname: "127.0.0.1", port, socket });
    opened.write(`GET /events?stream=bench&jid=${token} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    sockets.push(opened);
  };
  return {
    async connect() {
      for (let at = 0; at < count; at += AT_A_TIME) {
        const end = Math.min(count, at + AT_A_TIME);
        await Promise.all(Array.from({ length: end - at }, (_, i) => open(at + i)));
        await until(
          () => confirmed === end,
          () => `${confirmed} of ${end} streams began`,
        );
      }
    },
    async publish(messages) {
      const expected = heard + messages * count;
      for (let i = 0; i < messages; i++) {
        const nextMs = performance.now() + 1000 / PER_SECOND;
        await fetch(`http://127.0.0.1:${broadcastPort}/_broadcast`, { method: "POST", body: BODY });
        await Bun.sleep(Math.max(0, nextMs - performance.now()));
      }
      await until(
        () => heard === expected,
        () => `${heard} of ${expected} arrived`,
      );
    },
    async stop() {
      for (const opened of sockets) opened.end();
    },
  };
};

async function until(done: () => boolean, seen: () => string): Promise<void> {
  for (const endMs = performance.now() + PATIENCE_MS; !done(); await Bun.sleep(5)) {
    if (performance.now() > endMs) throw new Error(seen());
  }
}

async function play(name: PeerName, make: MakeClients, count: number): Promise<Figures> {
  const peer = await startPeer(name, { kind: "jwt" }, ["--sse"]);
  const clients = make(peer, count);
  const usage = () => usageOf(peer.server.pid);
  try {
    await Bun.sleep(START_UP_MS);
    const empty = usage();
    await clients.connect();
    const connected = usage();
    await Bun.sleep(IDLE_MS);
    const idle = usage();
    await clients.publish(WARM_UP_MESSAGES);
    const before = usage();
    await clients.publish(MESSAGES);
    const after = usage();
    return {
      kbPerConnection: ((idle.residentMb - empty.residentMb) * 1024) / count,
      cpuUsPerConnect: ((connected.cpuSeconds - empty.cpuSeconds) * 1e6) / count,
      cpuUsPerDelivery: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / (count * MESSAGES),
    };
  } finally {
    await clients.stop();
    await peer.server.stop();
  }
}

/** @returns whether the bound was kept. */
async function main(count: number, rounds: number): Promise<boolean> {
  const peers: PeerName[] = (["hawser", "anycable-go"] as const).filter(isInstalled);
  const rows = peers.flatMap((peer) => [
    { peer, over: "WebSocket", make: webSockets, seen: [] as Figures[] },
    { peer, over: "event stream", make: eventStreams, seen: [] as Figures[] },
  ]);
  for (let round = 0; round < rounds; round++) {
    for (const { peer, make, seen } of rows) seen.push(await play(peer, make, count));
  }
  const median = (seen: readonly Figures[], name: keyof Figures) =>
    summarize(seen.map((figures) => figures[name])).median;
  console.log(`${count} clients of one stream, ${MESSAGES} messages; ${rounds} rounds`);
  console.log(
    table([
      ["", "memory a connection", "CPU a connect", "CPU a delivery"],
      ...rows.map(({ peer, over, seen }) => [
        `${peer}, ${over}`,
        `${median(seen, "kbPerConnection").toFixed(2)} KB`,
        `${median(seen, "cpuUsPerConnect").toFixed(1)} us`,
        `${median(seen, "cpuUsPerDelivery").toFixed(2)} us`,
      ]),
    ]),
  );
  const [sockets, streams] = rows.map(({ seen }) => median(seen, "kbPerConnection"));
  const ratio = (streams ?? Number.NaN) / (sockets ?? Number.NaN);
  const kept = ratio <= AT_MOST;
  console.log(
    `a stream holds ${ratio.toFixed(2)} times a WebSocket; at most ${AT_MOST}: ${kept ? "kept" : "BROKEN"}`,
  );
  return kept;
}

const { values } = parseArgs({
  options: { clients: { type: "string", default: "5000" }, rounds: { type: "string", default: "3" } },
});
process.exitCode = (await main(Number(values.clients), Number(values.rounds))) ? 0 : 1;
