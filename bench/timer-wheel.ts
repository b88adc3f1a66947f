/*
 * What the deadlines of many sessions cost: bun bench/timer-wheel.ts [--sessions N]
 *
 * As many sessions as that, each with a token that ends within the hour and asks for a notice, share one timer wheel with
 * their pings. Resident memory before and after the deadlines are set gives the bytes of one, beside those of a timer of
 * the runtime's each; a minute of ticks gives the CPU of a tick without pings, and with one in three seconds for each.
 * Rows with a bound are budgets: exit 1 when one is broken.
 */
import { parseArgs } from "node:util";
import { Deadlines } from "@hawser/core/session/deadlines";
import { Expiry } from "@hawser/core/session/expiry";
import { Heartbeat } from "@hawser/core/session/heartbeat";
import { Session } from "@hawser/core/session/session";
import { TICK_MS } from "@hawser/core/session/timer-wheel";
import { FakeConnection } from "@hawser/core/testing/fake-connection";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { systemRandom } from "@hawser/server/drivers/random";
import { table } from "./report.ts";

const { values } = parseArgs({ options: { sessions: { type: "string", default: "100000" } } });
const count = Number(values.sessions);

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A deadline takes an object of five fields, and its place in the wheel is in the session already. */
const MAX_BYTES = 160;
/** Of one core, at 20 ticks a second, without pings: what nobody notices. */
const MAX_TICK_US = 500;
/** Of a write to a client's socket, which a ping costs besides, some 5 us. */
const MAX_PING_US = 2;
/** Of the 20 to 30 that a connect costs. */
const MAX_PLAN_US = 3;

const clock = new ManualClock();
let [pings, ended, notices] = [0, 0, 0];

/** One wheel, as the engine has it. */
function wheel() {
  const heartbeat = new Heartbeat({
    ...{ clock, random: systemRandom, nativePings: false },
    sendPing: () => {
      pings += 1;
    },
    onNoPong: () => {},
  });
  const expiry = new Expiry(
    { closes: true, jitterPercent: 10, closesPerS: 100, noticeMs: MINUTE_MS, firstMessageTimeoutMs: 5000 },
    {
      ...{ clock, random: systemRandom },
      changed: (session) => deadlines.changed(session),
      send: () => {
        notices += 1;
      },
      onExpired: (session) => {
        ended += 1;
        session.state = "closed";
      },
      onNoToken: () => {},
    },
  );
  const deadlines = new Deadlines(clock.monotonicMs(), [heartbeat, expiry]);
  return { heartbeat, expiry, deadlines };
}

const connection = new FakeConnection();
function makeSessions(pingIntervalMs: number): Session[] {
  const plan = { pingIntervalMs, pingPrecision: "s", pongTimeoutMs: 0, tokenNotices: true } as const;
  return Array.from({ length: count }, (_, at) => {
    const session = new Session({
      ...{ sid: `s${at}`, plan, clientAddress: null, url: "", headers: {}, connection, resumable: false },
    });
    session.state = "open";
    return session;
  });
}

/** Ends over the second half of an hour, as those of clients that came one after another. */
const endOf = (at: number) => clock.nowMs() + HOUR_MS / 2 + ((at % 1800) + 1) * 1000;

async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    Bun.gc(true);
    await Bun.sleep(50);
  }
  return process.memoryUsage.rss();
}

/** Microseconds of CPU of a tick, over a minute of them. */
function tickUs(deadlines: Deadlines): number {
  const ticks = MINUTE_MS / TICK_MS;
  const before = process.cpuUsage();
  for (let tick = 0; tick < ticks; tick++) {
    clock.advance(TICK_MS);
    deadlines.advance(clock.monotonicMs());
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / ticks;
}

const quiet = wheel();
const silent = makeSessions(0);
const bareBytes = await residentBytes();
const beforePlans = process.cpuUsage();
for (const [at, session] of silent.entries()) quiet.expiry.accepted(session, endOf(at), null);
const plans = process.cpuUsage(beforePlans);
const planUs = (plans.user + plans.system) / count;
const bytesEach = ((await residentBytes()) - bareBytes) / count;
tickUs(quiet.deadlines); // the code gets compiled
const quietUs = tickUs(quiet.deadlines);

const pinged = wheel();
const pingedSessions = makeSessions(3000);
pingedSessions.forEach((session, at) => {
  pinged.heartbeat.start(session);
  pinged.deadlines.changed(session);
  pinged.expiry.accepted(session, endOf(at), null);
});
tickUs(pinged.deadlines);
const pingsBefore = pings;
const pingedUs = tickUs(pinged.deadlines);
const pingUs = (pingedUs * (MINUTE_MS / TICK_MS)) / (pings - pingsBefore);

// Until all have ended, so that the figures are those of a wheel that works.
for (let passedMs = 0; passedMs < HOUR_MS; passedMs += TICK_MS) {
  clock.advance(TICK_MS);
  quiet.deadlines.advance(clock.monotonicMs());
}
if (ended < count || notices < count)
  throw new Error(`of ${count} sessions ${ended} ended, ${notices} were told`);

const beforeTimers = await residentBytes();
const timers = Array.from({ length: count }, () => setTimeout(() => {}, HOUR_MS));
const timerBytes = ((await residentBytes()) - beforeTimers) / count;
for (const timer of timers) clearTimeout(timer);

const rows = [
  { what: "bytes a deadline", value: bytesEach, bound: MAX_BYTES },
  { what: "bytes a timer of the runtime's, in its place", value: timerBytes, bound: null },
  { what: "us of CPU to plan an end", value: planUs, bound: MAX_PLAN_US },
  { what: `us of CPU a tick, ${count} deadlines`, value: quietUs, bound: MAX_TICK_US },
  { what: `us of CPU a tick, and ${count} sessions pinged`, value: pingedUs, bound: null },
  { what: "us of CPU a ping, its write left out", value: pingUs, bound: MAX_PING_US },
];
console.log(
  table([
    ["figure", "value", "at most", ""],
    ...rows.map(({ what, value, bound }) => [
      what,
      value.toFixed(value < 10 ? 2 : 0),
      bound === null ? "-" : String(bound),
      bound === null ? "" : value <= bound ? "ok" : "BROKEN",
    ]),
  ]),
);
process.exit(rows.some(({ value, bound }) => bound !== null && value > bound) ? 1 : 0);
