/*
 * What the broker in memory costs: bun bench/broker-memory.ts [--streams N] [--messages N] [--bytes N]
 *
 * As many publications as that, each parsed from a body of its own as one over HTTP is, go into MemoryHistory. Resident
 * memory before and after gives the bytes a message and a stream beyond the text itself; then all of them expire at once, and
 * the longest tick says for how long nobody else was served. Rows with a bound are budgets: exit 1 when one is broken.
 */
import { MemoryHistory } from "@hawser/core/broker/memory-history";
import { parsePublication } from "@hawser/core/protocol/publication";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { systemRandom } from "@hawser/server/drivers/random";
import { readLoad } from "./broker-load.ts";
import { table } from "./report.ts";

const { streams, messages, bytes } = readLoad(10000);

const TTL_MS = 300_000;
/** Beyond the text. As strings the same messages take some 300. */
const MAX_OVERHEAD_BYTES = 150;
/** A frame late by that much is not felt. */
const MAX_TICK_MS = 25;

const clock = new ManualClock();
const history = new MemoryHistory({ limit: messages, ttlMs: TTL_MS }, clock, systemRandom);

const filler = "x".repeat(Math.max(0, bytes - '{"text":""}'.length - 8));
let numbered = 0;
/** JSON of so many bytes, no two alike, as its application would send it. */
function body(stream: number): string {
  numbered += 1;
  const data = JSON.stringify({ text: `${String(numbered).padStart(8, "0")}${filler}` });
  return JSON.stringify({ stream: `room:${stream}`, data });
}

function publish(stream: number): void {
  const parsed = parsePublication(body(stream));
  if (parsed.kind !== "messages") throw new Error("the bench publishes what cannot be read");
  for (const publication of parsed.messages) history.append(publication.stream, publication.message);
}

async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    Bun.gc(true);
    await Bun.sleep(50);
  }
  return process.memoryUsage.rss();
}

const emptyBytes = await residentBytes();
for (let stream = 0; stream < streams; stream++) publish(stream);
const oneEachBytes = (await residentBytes()) - emptyBytes;
const startedMs = performance.now();
for (let round = 1; round < messages; round++) {
  for (let stream = 0; stream < streams; stream++) publish(stream);
}
const tookMs = performance.now() - startedMs;
const allBytes = (await residentBytes()) - emptyBytes;

let [longestMs, ticks, busyMs] = [0, 0, 0];
clock.advance(TTL_MS);
while (history.size().messages > 0 && ticks < 1_000_000) {
  const beganMs = performance.now();
  clock.advance(100);
  const passedMs = performance.now() - beganMs;
  longestMs = Math.max(longestMs, passedMs);
  busyMs += passedMs;
  ticks += 1;
}
const expiredBytes = (await residentBytes()) - emptyBytes;

const count = streams * messages;
const overheadBytes = allBytes / count - bytes;
const rows: [what: string, figure: string, bound: string, kept: boolean][] = [
  [
    "streams of one message, bytes each beyond the text",
    (oneEachBytes / streams - bytes).toFixed(0),
    "",
    true,
  ],
  [`resident for ${count} messages, MB`, (allBytes / 1e6).toFixed(0), "", true],
  [`a stream of ${messages} messages, bytes`, (allBytes / streams).toFixed(0), "", true],
  [
    "a message, bytes beyond its text",
    overheadBytes.toFixed(1),
    `<= ${MAX_OVERHEAD_BYTES}`,
    overheadBytes <= MAX_OVERHEAD_BYTES,
  ],
  ["a publication read and kept, us", ((tookMs * 1000) / (count - streams)).toFixed(2), "", true],
  [`all expire at once: ticks of 100 ms until it is done`, String(ticks), "", true],
  ["the longest of them, ms", longestMs.toFixed(1), `<= ${MAX_TICK_MS}`, longestMs <= MAX_TICK_MS],
  ["a stream let go, us", ((busyMs * 1000) / streams).toFixed(2), "", true],
  ["resident when all have expired, MB", (expiredBytes / 1e6).toFixed(0), "", true],
];
console.log(`${streams} streams of ${messages} messages of ${bytes} bytes`);
console.log(table([["", "", "budget"], ...rows.map(([what, figure, bound]) => [what, figure, bound])]));
process.exit(rows.every(([, , , kept]) => kept) ? 0 : 1);
