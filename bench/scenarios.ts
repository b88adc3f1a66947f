import type { BroadcastAnswer, LoadClient } from "./load-client.ts";
import { type Actors, measure, type Spent } from "./measure.ts";
import type { Authentication } from "./peers.ts";
import { usageOf } from "./process-tree.ts";
import { breakAll, crowd, killServer } from "./storm.ts";
import { BENCH_SECRET } from "./tokens.ts";

/** Every figure that a scenario can report, and how a person reads it. */
export const METRICS = {
  cpuUsPerConnect: { label: "CPU a connect", unit: "us", digits: 1 },
  cpuUsPerSubscribe: { label: "CPU a subscribe", unit: "us", digits: 1 },
  cpuUsPerDelivery: { label: "CPU a delivery", unit: "us", digits: 2 },
  cpuUsPerReturn: { label: "CPU a return", unit: "us", digits: 1 },
  secondsUntilAllAreBack: { label: "all are back", unit: "s", digits: 2 },
  refusedTries: { label: "refused tries", unit: "", digits: 0 },
  failedTries: { label: "failed tries", unit: "", digits: 0 },
  cpuUsPerConnectOfFive: { label: "CPU a connect with five subscribes", unit: "us", digits: 1 },
  cpuUsPerResumeOfFive: { label: "CPU a resume of five subscriptions", unit: "us", digits: 1 },
  deliveriesPerSecond: { label: "deliveries/s", unit: "", digits: 0 },
  subscribesPerSecond: { label: "subscribes/s", unit: "", digits: 0 },
  connectsPerSecond: { label: "connects/s", unit: "", digits: 0 },
  kbPerConnection: { label: "memory a connection", unit: "KB", digits: 2 },
  bytesPerSubscription: { label: "memory a subscription", unit: "B", digits: 0 },
  cpuUsPerBroadcast: { label: "CPU a broadcast", unit: "us", digits: 1 },
  cpuUsPerBroadcastOfFew: { label: "the same with few streams", unit: "us", digits: 1 },
  residentMb: { label: "memory in all", unit: "MB", digits: 1 },
  emptyMb: { label: "memory when empty", unit: "MB", digits: 1 },
  p50Ms: { label: "p50", unit: "ms", digits: 1 },
  p95Ms: { label: "p95", unit: "ms", digits: 1 },
  p99Ms: { label: "p99", unit: "ms", digits: 1 },
  clientCores: { label: "client", unit: "cores", digits: 2 },
  foreignCores: { label: "noise", unit: "cores", digits: 2 },
} as const;

export type MetricName = keyof typeof METRICS;
export type Sample = Partial<Record<MetricName, number>>;

export interface Size {
  readonly connections: number;
  readonly subscribers: number;
  readonly steadyBroadcasts: number;
  readonly saturatedBroadcasts: number;
  readonly idleSeconds: number;
  readonly manyStreams: number;
  readonly manyStreamsConnections: number;
  readonly scatteredBroadcasts: number;
  readonly stormClients: number;
}

export const FULL_SIZE: Size = {
  connections: 10_000,
  subscribers: 5_000,
  steadyBroadcasts: 75,
  saturatedBroadcasts: 200,
  idleSeconds: 10,
  manyStreams: 100_000,
  manyStreamsConnections: 9_000,
  scatteredBroadcasts: 5_000,
  stormClients: 9_000,
};

export const QUICK_SIZE: Size = {
  connections: 2_000,
  subscribers: 1_000,
  steadyBroadcasts: 30,
  saturatedBroadcasts: 100,
  idleSeconds: 2,
  manyStreams: 20_000,
  manyStreamsConnections: 2_000,
  scatteredBroadcasts: 1_000,
  stormClients: 2_000,
};

const BROADCASTS_PER_SECOND = 15;
const TWO_IN_FLIGHT = 0;
// Uncounted broadcasts before a fan-out is measured, for every peer alike: a server is not always just started.
const WARM_UP_BROADCASTS = 15;
const TWO_THREADS = ["--workers=2"];
export const HANDSHAKES_AT_A_TIME = 200;
const START_UP_MS = 500;

export interface Stage {
  readonly actors: Actors;
  readonly load: LoadClient;
  readonly size: Size;
  /** Kills the server and starts it again. */
  restart(): Promise<void>;
}

export interface Scenario {
  readonly title: (size: Size) => string;
  readonly authentication: Authentication["kind"];
  /** What the servers are started with besides. */
  readonly flags?: readonly string[];
  /** Each client subscribes to a signed stream of its own instead of the one public stream. */
  readonly signedStreams?: boolean;
  /** The sub-protocol of the clients; Action Cable's own unless given. */
  readonly protocol?: string;
  /** Messages go to single streams of many, which the controls do not keep apart. */
  readonly manyStreams?: boolean;
  /** Only this server has what it is about. */
  readonly oursAlone?: boolean;
  /** The metrics of its table, the one that matters most first. */
  readonly columns: readonly MetricName[];
  /** Plays it once. Throws when a client was refused, cut off or missed a message: such a round has no figures. */
  readonly play: (stage: Stage) => Promise<Sample>;
}

export async function connectAll({ actors, load }: Stage, connections: number): Promise<Sample> {
  const spent = await measure(actors, () => load.connect(connections, HANDSHAKES_AT_A_TIME));
  const { welcomed, refused, lost, seconds, p50_ms, p99_ms } = spent.answer;
  if (welcomed !== connections || lost > 0) {
    throw new Error(`of ${connections} clients ${welcomed} were welcomed, ${refused} refused, ${lost} lost`);
  }
  return {
    cpuUsPerConnect: (spent.serverCpuSeconds * 1e6) / connections,
    connectsPerSecond: connections / seconds,
    residentMb: usageOf(actors.server).residentMb,
    p50Ms: p50_ms,
    p99Ms: p99_ms,
    ...company(spent),
  };
}

export async function subscribeAll({ actors, load }: Stage, connections: number): Promise<Sample> {
  const spent = await measure(actors, () => load.subscribe());
  const { confirmed, refused, lost, seconds } = spent.answer;
  if (confirmed !== connections) {
    throw new Error(
      `of ${connections} subscriptions ${confirmed} were confirmed, ${refused} refused, ${lost} lost`,
    );
  }
  return {
    cpuUsPerSubscribe: (spent.serverCpuSeconds * 1e6) / connections,
    subscribesPerSecond: connections / seconds,
    residentMb: usageOf(actors.server).residentMb,
    ...company(spent),
  };
}

async function subscribe(stage: Stage): Promise<Sample> {
  const { connections } = stage.size;
  await connectAll(stage, connections);
  return subscribeAll(stage, connections);
}

/** How messages come to the stream: the load client publishes them, or its clients whisper. */
type Speak = (load: LoadClient, count: number, perSecond: number) => Promise<BroadcastAnswer>;

const PUBLISH: Speak = (load, count, perSecond) => load.broadcast(count, perSecond);
const WHISPER: Speak = (load, count, perSecond) => load.whisper(count, perSecond);

async function fanOut(stage: Stage, speak: Speak, messages: number, perSecond: number): Promise<Sample> {
  const { actors, load, size } = stage;
  await connectAll(stage, size.subscribers);
  await subscribeAll(stage, size.subscribers);
  await speak(load, WARM_UP_BROADCASTS, BROADCASTS_PER_SECOND);
  const spent = await measure(actors, () => speak(load, messages, perSecond));
  const { expected, delivered, lost, seconds, p50_ms, p99_ms } = spent.answer;
  if (delivered !== expected || lost > 0) {
    throw new Error(`of ${expected} deliveries ${delivered} arrived; ${lost} clients were lost`);
  }
  return {
    cpuUsPerDelivery: (spent.serverCpuSeconds * 1e6) / delivered,
    deliveriesPerSecond: delivered / seconds,
    residentMb: usageOf(actors.server).residentMb,
    p50Ms: p50_ms,
    p99Ms: p99_ms,
    ...company(spent),
  };
}

async function memory(stage: Stage): Promise<Sample> {
  const { actors, size } = stage;
  await Bun.sleep(START_UP_MS);
  const emptyMb = usageOf(actors.server).residentMb;
  await connectAll(stage, size.connections);
  await subscribeAll(stage, size.connections);
  await Bun.sleep(size.idleSeconds * 1000);
  const { residentMb } = usageOf(actors.server);
  return { kbPerConnection: ((residentMb - emptyMb) * 1024) / size.connections, residentMb, emptyMb };
}

/** A broadcast to one stream costs the same whether there are a thousand or a hundred thousand. */
async function manyStreams(stage: Stage): Promise<Sample> {
  const { actors, load, size } = stage;
  const few = FEW_STREAMS;
  await connectAll(stage, size.manyStreamsConnections);
  await spread(load, 0, few);
  // Compiled, and its buffers in place, before anything is measured.
  await scatter(actors, load, size.scatteredBroadcasts, few);
  const cpuUsPerBroadcastOfFew = await scatter(actors, load, size.scatteredBroadcasts, few);
  await Bun.sleep(START_UP_MS);
  const beforeMb = usageOf(actors.server).residentMb;
  await spread(load, few, size.manyStreams);
  await Bun.sleep(size.idleSeconds * 1000);
  const { residentMb } = usageOf(actors.server);
  return {
    bytesPerSubscription: ((residentMb - beforeMb) * 1024 * 1024) / (size.manyStreams - few),
    cpuUsPerBroadcast: await scatter(actors, load, size.scatteredBroadcasts, size.manyStreams),
    cpuUsPerBroadcastOfFew,
    residentMb,
  };
}

const EXTENDED = "actioncable-v1-ext-json";
const FEW_STREAMS = 1_000;
const SCATTERED_PER_SECOND = 1_000;

async function spread(load: LoadClient, from: number, to: number): Promise<void> {
  const { confirmed, refused, lost } = await load.spread(from, to);
  if (confirmed !== to - from) {
    throw new Error(
      `of ${to - from} subscriptions ${confirmed} were confirmed, ${refused} refused, ${lost} lost`,
    );
  }
}

/** CPU a broadcast to one of `streams`, in microseconds. */
async function scatter(actors: Actors, load: LoadClient, messages: number, streams: number): Promise<number> {
  const { answer, serverCpuSeconds } = await measure(actors, () =>
    load.scatter(messages, SCATTERED_PER_SECOND, streams),
  );
  if (answer.delivered !== messages || answer.lost > 0) {
    throw new Error(
      `of ${messages} deliveries ${answer.delivered} arrived; ${answer.lost} clients were lost`,
    );
  }
  return (serverCpuSeconds * 1e6) / messages;
}

/**
 * The same crowd comes back twice after all connections broke: as strangers that subscribe, and as clients that resume and ask
 * what they missed. Both have the end of the connections before in their CPU, and neither is the first that the server does.
 */
async function resume(stage: Stage): Promise<Sample> {
  const { actors, load, size } = stage;
  const clients = size.subscribers;
  const streams = clients * CHANNELS_OF_A_CLIENT;
  await connectAll(stage, clients);
  await spread(load, 0, streams);
  await Bun.sleep(START_UP_MS);
  const plain = await measure(actors, async () => {
    await comeAgain(load, clients, 0, false);
    await spread(load, 0, streams);
  });
  await Bun.sleep(START_UP_MS);
  const resumed = await measure(actors, () => comeAgain(load, clients, streams, true));
  return {
    cpuUsPerResumeOfFive: (resumed.serverCpuSeconds * 1e6) / clients,
    cpuUsPerConnectOfFive: (plain.serverCpuSeconds * 1e6) / clients,
    residentMb: usageOf(actors.server).residentMb,
    ...company(resumed),
  };
}

const CHANNELS_OF_A_CLIENT = 5;

async function comeAgain(
  load: LoadClient,
  clients: number,
  channels: number,
  asResumed: boolean,
): Promise<void> {
  const { welcomed, restored, told, refused, lost } = await load.again(HANDSHAKES_AT_A_TIME, asResumed);
  if (welcomed !== clients || restored !== (asResumed ? clients : 0) || told !== channels) {
    throw new Error(
      `of ${clients} clients ${welcomed} were welcomed, ${restored} restored, ${told} times told; ${refused} refused, ${lost} lost`,
    );
  }
}

/** Every connection has come by resuming, so beside it there is a cached session. */
async function memoryResumed(stage: Stage): Promise<Sample> {
  const { actors, load, size } = stage;
  await Bun.sleep(START_UP_MS);
  const emptyMb = usageOf(actors.server).residentMb;
  await connectAll(stage, size.connections);
  await subscribeAll(stage, size.connections);
  await comeAgain(load, size.connections, size.connections, true);
  await Bun.sleep(size.idleSeconds * 1000);
  const { residentMb } = usageOf(actors.server);
  return { kbPerConnection: ((residentMb - emptyMb) * 1024) / size.connections, residentMb, emptyMb };
}

export function company({ clientCores, foreignCores }: Spent<unknown>): Sample {
  return { clientCores, foreignCores };
}

const ACCEPT_RATE = 1_000;
const STORM_COLUMNS = [
  "cpuUsPerReturn",
  "secondsUntilAllAreBack",
  "p50Ms",
  "p95Ms",
  "refusedTries",
  "failedTries",
  "residentMb",
] as const;

const count = (n: number): string => n.toLocaleString("en");

export const SCENARIOS = {
  connect: {
    title: (size) => `${count(size.connections)} clients connect, each with its own HS256 token`,
    authentication: "jwt",
    columns: ["cpuUsPerConnect", "connectsPerSecond", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => connectAll(stage, stage.size.connections),
  },
  "fanout-steady": {
    title: (size) => `${count(size.subscribers)} subscribers, ${BROADCASTS_PER_SECOND} broadcasts a second`,
    authentication: "jwt",
    columns: ["cpuUsPerDelivery", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => fanOut(stage, PUBLISH, stage.size.steadyBroadcasts, BROADCASTS_PER_SECOND),
  },
  "fanout-broker": {
    title: (size) =>
      `${count(size.subscribers)} subscribers, ${BROADCASTS_PER_SECOND} broadcasts a second that history keeps`,
    authentication: "jwt",
    flags: ["--broker=memory"],
    columns: ["cpuUsPerDelivery", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => fanOut(stage, PUBLISH, stage.size.steadyBroadcasts, BROADCASTS_PER_SECOND),
  },
  "fanout-workers": {
    title: (size) =>
      `${count(size.subscribers)} subscribers on two threads, ${BROADCASTS_PER_SECOND} broadcasts a second`,
    authentication: "jwt",
    flags: TWO_THREADS,
    oursAlone: true,
    columns: ["cpuUsPerDelivery", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => fanOut(stage, PUBLISH, stage.size.steadyBroadcasts, BROADCASTS_PER_SECOND),
  },
  "saturated-workers": {
    title: (size) => `${count(size.subscribers)} subscribers on two threads, two broadcasts always in flight`,
    authentication: "jwt",
    flags: TWO_THREADS,
    oursAlone: true,
    columns: ["deliveriesPerSecond", "cpuUsPerDelivery", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => fanOut(stage, PUBLISH, stage.size.saturatedBroadcasts, TWO_IN_FLIGHT),
  },
  whisper: {
    title: (size) =>
      `${count(size.subscribers)} subscribers, ${BROADCASTS_PER_SECOND} whispers a second by one after another`,
    authentication: "jwt",
    columns: ["cpuUsPerDelivery", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => fanOut(stage, WHISPER, stage.size.steadyBroadcasts, BROADCASTS_PER_SECOND),
  },
  "fanout-saturated": {
    title: (size) => `${count(size.subscribers)} subscribers, two broadcasts always in flight`,
    authentication: "jwt",
    columns: ["deliveriesPerSecond", "cpuUsPerDelivery", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => fanOut(stage, PUBLISH, stage.size.saturatedBroadcasts, TWO_IN_FLIGHT),
  },
  "signed-subscribe": {
    title: (size) =>
      `${count(size.connections)} clients subscribe at once, each to a signed stream of its own`,
    authentication: "jwt",
    flags: [`--streams_secret=${BENCH_SECRET}`],
    signedStreams: true,
    columns: ["cpuUsPerSubscribe", "subscribesPerSecond", "residentMb"],
    play: subscribe,
  },
  memory: {
    title: (size) =>
      `${count(size.connections)} clients with one subscription each, ${size.idleSeconds} seconds idle`,
    authentication: "jwt",
    columns: ["kbPerConnection", "residentMb", "emptyMb"],
    play: memory,
  },
  "memory-resumed": {
    title: (size) =>
      `${count(size.connections)} clients with one subscription each that have resumed their sessions, ${size.idleSeconds} seconds idle`,
    authentication: "jwt",
    flags: ["--broker=memory"],
    protocol: EXTENDED,
    manyStreams: true,
    columns: ["kbPerConnection", "residentMb", "emptyMb"],
    play: memoryResumed,
  },
  resume: {
    title: (size) => `${count(size.subscribers)} clients with five subscriptions each come back`,
    authentication: "jwt",
    flags: ["--broker=memory"],
    protocol: EXTENDED,
    manyStreams: true,
    columns: ["cpuUsPerResumeOfFive", "cpuUsPerConnectOfFive", "residentMb"],
    play: resume,
  },
  "many-streams": {
    title: (size) =>
      `${count(size.manyStreams)} streams with one subscriber each over ${count(size.manyStreamsConnections)} connections`,
    authentication: "jwt",
    manyStreams: true,
    columns: ["bytesPerSubscription", "cpuUsPerBroadcast", "cpuUsPerBroadcastOfFew", "residentMb"],
    play: manyStreams,
  },
  storm: {
    title: (size) =>
      `${count(size.stormClients)} clients lose their connections and come back in one moment, the backend being down`,
    authentication: "jwt-backend-down",
    columns: STORM_COLUMNS,
    play: breakAll,
  },
  "storm-accept-rate": {
    title: (size) =>
      `${count(size.stormClients)} clients come in one moment to a server that takes ${count(ACCEPT_RATE)} a second`,
    authentication: "jwt-backend-down",
    flags: [`--accept_rate=${ACCEPT_RATE}`],
    oursAlone: true,
    columns: STORM_COLUMNS,
    play: crowd,
  },
  "storm-restart": {
    title: (size) =>
      `the server of ${count(size.stormClients)} clients is killed and started again, the backend being down`,
    authentication: "jwt-backend-down",
    columns: STORM_COLUMNS,
    play: killServer,
  },
  "connect-http": {
    title: (size) =>
      `${count(size.connections)} clients connect without a token; the backend's Connect over HTTP decides`,
    authentication: "http",
    columns: ["cpuUsPerConnect", "connectsPerSecond", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => connectAll(stage, stage.size.connections),
  },
  "connect-grpc": {
    title: (size) =>
      `${count(size.connections)} clients connect without a token; the backend's gRPC Connect decides`,
    authentication: "grpc",
    columns: ["cpuUsPerConnect", "connectsPerSecond", "p50Ms", "p99Ms", "residentMb"],
    play: (stage) => connectAll(stage, stage.size.connections),
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[]; // keyof loses nothing: the table is a literal
