/*
 * What the broker in Redis costs: bun bench/broker-redis.ts [--streams N] [--messages N] [--bytes N]
 *
 * Starts a redis-server of its own (it has to be on PATH), and publishes through the broker as a server does: `used_memory` before and
 * after gives the bytes a message and a stream, `INFO commandstats` the commands and the time of Redis a publication.
 * Rows with a bound are budgets: exit 1 when one is broken.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { createRedisBroker } from "@hawser/server/broker/redis/redis-broker";
import { systemClock } from "@hawser/server/drivers/clock";
import { systemRandom } from "@hawser/server/drivers/random";
import { parseRedisAddress } from "@hawser/server/drivers/redis/redis-address";
import { readLoad } from "./broker-load.ts";
import { table } from "./report.ts";
import { freePort } from "./spawn.ts";

const { streams, messages, bytes } = readLoad(1000);

/** Publications under way, as of a server that is busy. */
const AT_ONCE = 100;
/** Beyond the text. */
const MAX_OVERHEAD_BYTES = 40;
/** Round trips a publication. */
const MAX_CALLS = 1;
/** Of one of a stream that has no other, with its stream. */
const MAX_BYTES_ALONE = 1000;
/** Commands within a publication. */
const MAX_COMMANDS = 8;
/** Of Redis' time a publication; a machine that is half as fast is still within it. */
const MAX_US = 50;

const folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
const port = freePort();
const server = Bun.spawn(
  ["redis-server", "--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder],
  {
    stdio: ["ignore", "ignore", "ignore"],
  },
);
const address = parseRedisAddress(`redis://127.0.0.1:${port}`);
if (!address.ok) throw new Error(address.why);
const broker = createRedisBroker(
  {
    address: address.value,
    sentinels: null,
    tls: { verify: false, ca: null, cert: null, key: null },
    keepaliveMs: 30_000,
  },
  {
    history: { limit: messages, ttlMs: 300_000 },
    sessionsTtlMs: 0,
    presence: { ttlMs: 15_000, lookMs: 600_000, silentMs: 5_000, tells: true },
    revocationsLimit: 1000,
  },
  { clock: systemClock, random: systemRandom, log: new RecordingLog() },
);
const publish = broker.history?.publish;
if (publish == null) throw new Error("the broker hands nothing on");
await untilUp();
const redis = new Bun.RedisClient(`redis://127.0.0.1:${port}`);

const filler = "x".repeat(Math.max(0, bytes - '{"text":""}'.length - 8));
let numbered = 0;

/** One message for each stream, `AT_ONCE` at a time. */
async function round(): Promise<void> {
  for (let from = 0; from < streams; from += AT_ONCE) {
    const calls: Promise<void>[] = [];
    for (let stream = from; stream < Math.min(streams, from + AT_ONCE); stream++) {
      numbered += 1;
      const message = JSON.stringify({ text: `${String(numbered).padStart(8, "0")}${filler}` });
      const told = { excludeSid: null, broadcastType: null, transient: false, position: null };
      calls.push(publish?.({ stream: `room:${stream}`, message, ...told }) ?? Promise.resolve());
    }
    await Promise.all(calls);
  }
}

const emptyBytes = await usedMemory();
await round();
const oneEachBytes = (await usedMemory()) - emptyBytes;
await redis.send("CONFIG", ["RESETSTAT"]);
const startedMs = performance.now();
// Twice as many as are kept, so that half of them push another one out.
for (let number = 1; number < 2 * messages; number++) await round();
const tookMs = performance.now() - startedMs;
const count = streams * (2 * messages - 1);
const stats = await commandStats();
const evalsha = stats.get("evalsha") ?? { calls: 0, us: 0 };
const inner = [...stats].filter(([name]) => !["evalsha", "info", "config|resetstat"].includes(name));
const innerCalls = inner.reduce((sum, [, { calls }]) => sum + calls, 0);
const allBytes = (await usedMemory()) - emptyBytes;

const overheadBytes = allBytes / (streams * messages) - bytes;
const callsEach = evalsha.calls / count;
const [aloneBytes, commandsEach, usEach] = [
  oneEachBytes / streams,
  innerCalls / count,
  evalsha.us / evalsha.calls,
];
const rows: [what: string, figure: string, bound: string, kept: boolean][] = [
  [
    "a stream of one message, bytes",
    aloneBytes.toFixed(0),
    `<= ${MAX_BYTES_ALONE}`,
    aloneBytes <= MAX_BYTES_ALONE,
  ],
  [`a stream of ${messages} messages, bytes`, (allBytes / streams).toFixed(0), "", true],
  [
    "a message, bytes beyond its text",
    overheadBytes.toFixed(1),
    `<= ${MAX_OVERHEAD_BYTES}`,
    overheadBytes <= MAX_OVERHEAD_BYTES,
  ],
  ["round trips a publication", callsEach.toFixed(3), `<= ${MAX_CALLS}`, callsEach <= MAX_CALLS],
  ["commands within one", commandsEach.toFixed(2), `<= ${MAX_COMMANDS}`, commandsEach <= MAX_COMMANDS],
  ["time of Redis a publication, us", usEach.toFixed(1), `<= ${MAX_US}`, usEach <= MAX_US],
  [`publications a second, ${AT_ONCE} at once`, ((count / tookMs) * 1000).toFixed(0), "", true],
];
console.log(`${streams} streams of ${messages} messages of ${bytes} bytes`);
console.log(table([["", "", "budget"], ...rows.map(([what, figure, bound]) => [what, figure, bound])]));

redis.close();
await broker.close();
server.kill("SIGKILL");
await server.exited;
rmSync(folder, { recursive: true });
process.exit(rows.every(([, , , kept]) => kept) ? 0 : 1);

async function usedMemory(): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(String(await redis.send("INFO", ["memory"])))?.[1]);
}

async function commandStats(): Promise<Map<string, { calls: number; us: number }>> {
  const info = String(await redis.send("INFO", ["commandstats"]));
  const found = new Map<string, { calls: number; us: number }>();
  for (const [, name = "", calls, us] of info.matchAll(/^cmdstat_(\S+?):calls=(\d+),usec=(\d+)/gm))
    found.set(name, { calls: Number(calls), us: Number(us) });
  return found;
}

async function untilUp(): Promise<void> {
  for (const untilMs = performance.now() + 20_000; ; await Bun.sleep(50)) {
    try {
      return void (await broker.history?.head("there?"));
    } catch (thrown) {
      if (performance.now() > untilMs) throw thrown;
    }
  }
}
