import { machineCpuSeconds, usageOf } from "./process-tree.ts";

export interface Spent<Answer> {
  readonly answer: Answer;
  /** Seconds of CPU of the server and its descendants. */
  readonly serverCpuSeconds: number;
  /** The load client's share of one core while this lasted: near 1, and the client sets the pace. */
  readonly clientCores: number;
  /** Cores that neither the server, the load client, the backend nor the bench itself used: the noise on this machine. */
  readonly foreignCores: number;
}

export interface Actors {
  /** Another one once the server was killed and started again. */
  readonly server: number;
  readonly client: number;
  readonly backend: number | null;
}

/** Above this, somebody else's work on the machine shows in the figures. */
export const LOUD_CORES = 0.1;

const LISTEN_MS = 500;

/** Waits until other programs leave the machine alone, but no longer than until `deadlineMs` of `performance.now()`. */
export async function waitForQuiet(deadlineMs: number): Promise<void> {
  while (performance.now() < deadlineMs) {
    const before = machineCpuSeconds();
    await Bun.sleep(LISTEN_MS);
    if ((machineCpuSeconds() - before) * 1000 <= LOUD_CORES * LISTEN_MS) return;
  }
}

// What a phase leaves to be done a moment later (a collector's run, a timer) belongs to it.
const SETTLE_MS = 200;

/** Runs one phase and says what it cost. Of a server that was started meanwhile all counts. */
export async function measure<Answer>(actors: Actors, phase: () => Promise<Answer>): Promise<Spent<Answer>> {
  const readings = () => ({
    pid: actors.server,
    server: usageOf(actors.server).cpuSeconds,
    client: usageOf(actors.client).cpuSeconds,
    backend: actors.backend === null ? 0 : usageOf(actors.backend).cpuSeconds,
    bench: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    machine: machineCpuSeconds(),
    at: performance.now() / 1000,
  });
  const before = readings();
  const answer = await phase();
  const ended = readings();
  await Bun.sleep(SETTLE_MS);
  const after = readings();
  const isOther = after.pid !== before.pid;
  const spent = (key: keyof typeof before): number =>
    after[key] - (key === "server" && isOther ? 0 : before[key]);
  const ours = spent("server") + spent("client") + spent("backend") + spent("bench");
  return {
    answer,
    serverCpuSeconds: spent("server"),
    clientCores: (ended.client - before.client) / (ended.at - before.at),
    foreignCores: Math.max(0, spent("machine") - ours) / spent("at"),
  };
}
