/*
 * What a cached session costs: bun bench/session-memory.ts [--sessions N] [--channels N]
 *
 * As many sessions as that, with texts of their own as if each had been read from a token and from frames, go into
 * MemorySessions. Resident memory before and after gives the bytes of one; then all of them expire at once, and the longest
 * tick says for how long nobody else was served. Rows with a bound are budgets: exit 1 when one is broken.
 */
import { parseArgs } from "node:util";
import { MemorySessions } from "@hawser/core/broker/memory-sessions";
import type { SessionSnapshot, SubscriptionSnapshot } from "@hawser/core/broker/sessions";
import { decodeCommand } from "@hawser/core/protocol/command";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { systemRandom } from "@hawser/server/drivers/random";
import { table } from "./report.ts";

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "20000" },
    channels: { type: "string", default: "1" },
  },
});
const [sessions, channels] = [values.sessions, values.channels].map(Number) as [number, number];

const TTL_MS = 300_000;
const MAX_BYTES = 2200;
const MAX_BYTES_A_FURTHER_CHANNEL = 600;
/** A frame late by that much is not felt. */
const MAX_TICK_MS = 25;

const clock = new ManualClock();
const cache = new MemorySessions({ clock, ttlMs: TTL_MS });

/** As a frame brings it: a text of its own. */
function subscription(session: number, channel: number): SubscriptionSnapshot {
  const stream = `room:${session % 1000}:${channel}`;
  const identifier = JSON.stringify({ channel: "$pubsub", stream_name: stream });
  const command = decodeCommand(JSON.stringify({ command: "subscribe", identifier }));
  if (typeof command === "string") throw new Error("the bench subscribes with what cannot be read");
  const { stream_name: name } = JSON.parse(command.identifier) as { stream_name: string }; // just written
  return { identifier: command.identifier, streams: [name], istate: { $w: name, $p: name }, routed: true };
}

function snapshot(session: number): SessionSnapshot {
  const { ext } = JSON.parse(JSON.stringify({ ext: `{"user_id":${session}}` })) as { ext: string }; // just written
  return {
    identifiers: ext,
    lineage: "s",
    admittedBy: "token",
    tokenIdentity: ext,
    marks: {
      jti: null,
      sid: null,
      issuedAtS: session,
      kid: "secret",
      tag: session,
      expiresAtMs: session + 0.5,
    },
    cstate: {},
    subscriptions: Array.from({ length: channels }, (_, channel) => subscription(session, channel)),
    disconnectInterest: false,
  };
}

async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    Bun.gc(true);
    await Bun.sleep(50);
  }
  return process.memoryUsage.rss();
}

for (let session = 0; session < 2000; session++) cache.save(`warm${session}`, snapshot(session));
cache.removeWhere(() => true);
const emptyBytes = await residentBytes();
let savedMs = 0;
for (let session = 0; session < sessions; session++) {
  const kept = snapshot(session);
  const sid = systemRandom.id(21);
  const beganMs = performance.now();
  cache.save(sid, kept);
  savedMs += performance.now() - beganMs;
}
const bytesEach = ((await residentBytes()) - emptyBytes) / sessions;

let [longestMs, ticks] = [0, 0];
clock.advance(TTL_MS - 50);
while (cache.size > 0 && ticks < 1_000_000) {
  const beganMs = performance.now();
  clock.advance(50);
  longestMs = Math.max(longestMs, performance.now() - beganMs);
  ticks += 1;
}

const maxBytes = MAX_BYTES + (channels - 1) * MAX_BYTES_A_FURTHER_CHANNEL;
const rows: [what: string, figure: string, bound: string, kept: boolean][] = [
  ["a session, bytes", bytesEach.toFixed(0), `<= ${maxBytes}`, bytesEach <= maxBytes],
  ["a session saved, us", ((savedMs * 1000) / sessions).toFixed(2), "", true],
  ["all expire at once: ticks of 50 ms until it is done", String(ticks), "", true],
  ["the longest of them, ms", longestMs.toFixed(1), `<= ${MAX_TICK_MS}`, longestMs <= MAX_TICK_MS],
];
console.log(`${sessions} cached sessions of ${channels} channels`);
console.log(table([["", "", "budget"], ...rows.map(([what, figure, bound]) => [what, figure, bound])]));
process.exit(rows.every(([, , , kept]) => kept) ? 0 : 1);
