/*
 * What the broker in NATS costs: bun bench/broker-nats.ts [--streams N] [--messages N] [--bytes N]
 *
 * Starts a nats-server of its own (it has to be on PATH), and publishes through the broker as a server does: what /proc says of that
 * process before and after gives memory a stream and CPU a publication; its folder gives what it has on disk.
 * Rows with a bound are budgets: exit 1 when one is broken.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecordingLog } from "@hawser/core/testing/recording-log";
import { createNatsBroker } from "@hawser/server/broker/nats/nats-broker";
import { systemClock } from "@hawser/server/drivers/clock";
import { parseNatsAddress } from "@hawser/server/drivers/nats/nats-address";
import { NatsLink } from "@hawser/server/drivers/nats/nats-link";
import { systemRandom } from "@hawser/server/drivers/random";
import { readLoad } from "./broker-load.ts";
import { table } from "./report.ts";
import { freePort } from "./spawn.ts";

const { streams, messages, bytes } = readLoad(1000);

/** Publications under way, as of a server that is busy. */
const AT_ONCE = 100;
/** Rounds that are measured: each gives every stream a message. */
const ROUNDS = 20;
/** Of NATS, a stream of one message. */
const MAX_KB_ALONE = 120;
/** Of NATS, a publication; a machine that is half as fast is still within it. */
const MAX_NATS_US = 150;
/** Of this process, a publication. */
const MAX_OWN_US = 100;
/** Of the kernel's clock, by which /proc tells CPU. */
const US_PER_TICK = 10_000;

const folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
const port = freePort();
const command = ["nats-server", "--addr", "127.0.0.1", "--port", `${port}`];
const server = Bun.spawn([...command, "--jetstream", "--store_dir", folder], {
  stdio: ["ignore", "ignore", "ignore"],
});
const address = parseNatsAddress(`nats://127.0.0.1:${port}`);
if (!address.ok) throw new Error(address.why);
const parts = { clock: systemClock, random: systemRandom, log: new RecordingLog() };
const link = new NatsLink(
  {
    ...{ address: address.value, inOrder: false, credentials: null },
    tls: { ca: null, cert: null, key: null },
  },
  { ...parts, onUp: () => {} },
);
const broker = createNatsBroker(
  link,
  {
    history: { limit: messages, ttlMs: 300_000 },
    ...{ sessionsTtlMs: 0, presenceTtlMs: 15_000, replicas: 1, revocationsLimit: 1000 },
  },
  parts,
);
link.start();
const publish = broker.history?.publish;
if (publish == null) throw new Error("the broker hands nothing on");
await untilUp();

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

const emptyKb = residentKb();
const openedMs = performance.now();
await round();
const openMs = (performance.now() - openedMs) / streams;
const aloneKb = (residentKb() - emptyKb) / streams;
const [natsBefore, ownBefore, startedMs] = [cpuUs(), process.cpuUsage(), performance.now()];
for (let number = 0; number < ROUNDS; number++) await round();
const tookMs = performance.now() - startedMs;
const count = streams * ROUNDS;
const own = process.cpuUsage(ownBefore);
const natsUs = (cpuUs() - natsBefore) / count;
const ownUs = (own.user + own.system) / count;
for (let number = ROUNDS + 1; number < messages; number++) await round();
const fullKb = (residentKb() - emptyKb) / streams;
const diskBytes = sizeOf(folder) / (streams * messages);

const rows: [what: string, figure: string, bound: string, kept: boolean][] = [
  ["a stream of one message, KB of NATS", aloneKb.toFixed(1), `<= ${MAX_KB_ALONE}`, aloneKb <= MAX_KB_ALONE],
  [`a stream of ${messages} messages, KB of NATS`, fullKb.toFixed(1), "", true],
  ["a message on disk, bytes beyond its text", (diskBytes - bytes).toFixed(0), "", true],
  ["the first message of a stream, ms", openMs.toFixed(2), "", true],
  ["CPU of NATS a publication, us", natsUs.toFixed(1), `<= ${MAX_NATS_US}`, natsUs <= MAX_NATS_US],
  ["CPU of the server a publication, us", ownUs.toFixed(1), `<= ${MAX_OWN_US}`, ownUs <= MAX_OWN_US],
  [`publications a second, ${AT_ONCE} at once`, ((count / tookMs) * 1000).toFixed(0), "", true],
];
console.log(`${streams} streams of ${messages} messages of ${bytes} bytes`);
console.log(table([["", "", "budget"], ...rows.map(([what, figure, bound]) => [what, figure, bound])]));

await broker.close();
await link.stop();
server.kill("SIGKILL");
await server.exited;
rmSync(folder, { recursive: true });
process.exit(rows.every(([, , , kept]) => kept) ? 0 : 1);

function residentKb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]);
}

/** Of NATS since its start. */
function cpuUs(): number {
  const fields = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
}

function sizeOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
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
