/*
 * What presence costs a server with 1,000 members on one stream: bun bench/presence.ts [--members N] [--rounds N]
 *
 * Every member is a client that follows the stream. A guest comes and goes, twenty times a second: CPU of one such event for
 * one follower. Then each member asks who is there, while nothing changes: CPU of one such answer. The reference, when it is
 * on PATH, plays the same; the ratios to it are budgets: exit 1 when one is broken.
 */
import { parseArgs } from "node:util";
import { LOUD_CORES, measure } from "./measure.ts";
import { isInstalled, type PeerName, type RunningPeer, startPeer } from "./peers.ts";
import { table } from "./report.ts";
import { median } from "./statistics.ts";
import { BENCH_SECRET, signToken } from "./tokens.ts";

const { values } = parseArgs({
  options: { members: { type: "string", default: "1000" }, rounds: { type: "string", default: "3" } },
});
const members = Number(values.members);
const rounds = Number(values.rounds);

const EVENTS = 100;
const EVENT_INTERVAL_MS = 50;
const WARM_UP_EVENTS = 10;
/** How many ask at a time. */
const QUESTIONS_AT_A_TIME = 50;
const CONNECTS_AT_A_TIME = 50;
/** What of their joins is still on its way. */
const SETTLE_MS = 500;
const PATIENCE_MS = 20_000;

const GUEST = { id: "guest", info: { name: "A guest", avatar: "https://example.com/avatars/guest.png" } };
const IDENTIFIER = JSON.stringify({ channel: "$pubsub", stream_name: "bench" });

interface Figures {
  readonly eventUs: number;
  readonly answerUs: number;
  readonly foreignCores: number;
}

/** Ours as a part of the reference's. */
const BUDGETS = { eventUs: 0.75, answerUs: 0.25 } as const;

/** One client; it only counts what it hears. */
class Member {
  readonly socket: WebSocket;
  changes = 0;
  lists = 0;

  /** Present as soon as it follows the stream; the guest, number 0, is not. */
  constructor(port: number, number: number) {
    const info = { name: `Member number ${number}`, avatar: `https://example.com/avatars/${number}.png` };
    const presence = number === 0 ? null : { id: `user-${number}`, info };
    const token = signToken(BENCH_SECRET, { user_id: number }, Math.floor(Date.now() / 1000), 3600);
    const url = `ws://127.0.0.1:${port}/cable?jid=${token}&pi=0`;
    this.socket = new WebSocket(url, ["actioncable-v1-ext-json"]);
    this.socket.onmessage = ({ data }) => {
      const text = String(data);
      if (text.includes('"type":"info"')) this.lists += 1;
      else if (text.startsWith('{"type":"presence"')) this.changes += 1;
      else if (text.startsWith('{"type":"welcome"')) this.say({ command: "subscribe", presence });
      else if (text.startsWith('{"type":"confirm_subscription"')) this.confirmed.resolve();
    };
    this.socket.onclose = () => this.confirmed.reject(new Error("a client was cut off"));
  }

  readonly confirmed = Promise.withResolvers<void>();

  say(command: object): void {
    this.socket.send(JSON.stringify({ ...command, identifier: IDENTIFIER }));
  }
}

async function until(met: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; !met(); await Bun.sleep(5)) {
    if (performance.now() > deadline) throw new Error(`it never came to this: ${what}`);
  }
}

/** The guest first, who hears all the others come. */
async function connect(port: number): Promise<{ guest: Member; all: readonly Member[] }> {
  const guest = new Member(port, 0);
  await guest.confirmed.promise;
  const all = [guest];
  while (all.length <= members) {
    const some = Array.from(
      { length: Math.min(CONNECTS_AT_A_TIME, members + 1 - all.length) },
      (_, index) => new Member(port, all.length + index),
    );
    await Promise.all(some.map(({ confirmed }) => confirmed.promise));
    all.push(...some);
  }
  await until(() => guest.changes === members, "all have joined");
  await Bun.sleep(SETTLE_MS);
  return { guest, all };
}

/** The guest comes and goes so often, and all hear of it each time. */
async function comeAndGo(guest: Member, all: readonly Member[], events: number): Promise<void> {
  for (const member of all) member.changes = 0;
  for (let event = 0; event < events; event++) {
    if (event % 2 === 0) guest.say({ command: "join", presence: GUEST });
    else guest.say({ command: "leave" });
    await Bun.sleep(EVENT_INTERVAL_MS);
  }
  await until(() => all.every(({ changes }) => changes === events), "all have heard of every event");
}

async function everybodyAsks(all: readonly Member[]): Promise<void> {
  for (const member of all) member.lists = 0;
  for (let at = 0; at < all.length; at += QUESTIONS_AT_A_TIME) {
    const some = all.slice(at, at + QUESTIONS_AT_A_TIME);
    for (const member of some) member.say({ command: "presence" });
    await until(() => some.every(({ lists }) => lists === 1), "all have their answers");
  }
}

async function play(peer: RunningPeer): Promise<Figures> {
  const actors = { server: peer.server.pid, client: process.pid, backend: null };
  const { guest, all } = await connect(peer.port);
  await comeAndGo(guest, all, WARM_UP_EVENTS);
  const events = await measure(actors, () => comeAndGo(guest, all, EVENTS));
  await everybodyAsks(all);
  const answers = await measure(actors, () => everybodyAsks(all));
  for (const { socket } of all) socket.onclose = null;
  return {
    eventUs: (events.serverCpuSeconds * 1e6) / (EVENTS * all.length),
    answerUs: (answers.serverCpuSeconds * 1e6) / all.length,
    foreignCores: Math.max(events.foreignCores, answers.foreignCores),
  };
}

async function round(name: PeerName): Promise<Figures> {
  const peer = await startPeer(name, { kind: "jwt" }, ["--broker=memory", "--presence_ttl=3600"]);
  try {
    return await play(peer);
  } finally {
    await peer.server.stop();
  }
}

const PEERS: readonly PeerName[] = [
  "hawser",
  ...(isInstalled("anycable-go") ? (["anycable-go"] as const) : []),
];
const figures = new Map(PEERS.map((name) => [name, [] as Figures[]]));
for (let n = 0; n < rounds; n++) for (const name of PEERS) figures.get(name)?.push(await round(name));

const medianOf = (name: PeerName, figure: keyof Figures) =>
  median((figures.get(name) ?? []).map((one) => one[figure]));
const rows = PEERS.map((name) => {
  const noise = medianOf(name, "foreignCores");
  return [
    name,
    `${medianOf(name, "eventUs").toFixed(2)} us`,
    `${medianOf(name, "answerUs").toFixed(1)} us`,
    `${noise.toFixed(2)}${noise > LOUD_CORES ? " (loud)" : ""}`,
  ];
});
console.log(`${members} members on one stream; ${rounds} rounds of ${EVENTS} events and ${members} answers`);
console.log(table([["", "CPU an event a follower", "CPU an answer", "noise"], ...rows]));
if (PEERS.length > 1) {
  for (const [figure, atMost] of Object.entries(BUDGETS) as [keyof typeof BUDGETS, number][]) {
    const ratio = medianOf("hawser", figure) / medianOf("anycable-go", figure);
    const kept = ratio <= atMost;
    console.log(
      `${figure}: hawser / anycable-go ${ratio.toFixed(2)} <= ${atMost}: ${kept ? "kept" : "BROKEN"}`,
    );
    if (!kept) process.exitCode = 1;
  }
}
process.exit();
