import type { LoadClient, StormAnswer } from "./load-client.ts";
import { measure } from "./measure.ts";
import { usageOf } from "./process-tree.ts";
import {
  company,
  connectAll,
  HANDSHAKES_AT_A_TIME,
  type Sample,
  type Stage,
  subscribeAll,
} from "./scenarios.ts";

/** Three pauses of AnyCable's client at their longest, and then some: who is not back by then has been lost. */
const PATIENCE_S = 45;
const A_SECOND_MS = 1_000;

/** The clients' side breaks, and all of them try again in that moment. */
export async function breakAll(stage: Stage): Promise<Sample> {
  await takeInAll(stage);
  return comeBack(stage, (load) => load.storm(true, PATIENCE_S));
}

/** The server is killed and another started in its place; each client waits before it tries. */
export async function killServer(stage: Stage): Promise<Sample> {
  await takeInAll(stage);
  return comeBack(stage, async (load) => {
    const answer = load.storm(false, PATIENCE_S);
    await stage.restart();
    return answer;
  });
}

/** More come than the server takes in: those whom it turns away wait longer each time. */
export async function crowd(stage: Stage): Promise<Sample> {
  await stage.load.connect(stage.size.stormClients, HANDSHAKES_AT_A_TIME);
  await Bun.sleep(A_SECOND_MS);
  return comeBack(stage, (load) => load.storm(true, PATIENCE_S));
}

async function takeInAll(stage: Stage): Promise<void> {
  await connectAll(stage, stage.size.stormClients);
  await subscribeAll(stage, stage.size.stormClients);
}

async function comeBack(stage: Stage, storm: (load: LoadClient) => Promise<StormAnswer>): Promise<Sample> {
  const { actors, load, size } = stage;
  const spent = await measure(actors, () => storm(load));
  const { back, refused, failed, seconds, p50_ms, p95_ms } = spent.answer;
  if (back !== size.stormClients) {
    throw new Error(
      `of ${size.stormClients} clients ${back} came back; ${refused} tries were refused, ${failed} failed`,
    );
  }
  return {
    cpuUsPerReturn: (spent.serverCpuSeconds * 1e6) / back,
    secondsUntilAllAreBack: seconds,
    refusedTries: refused,
    failedTries: failed,
    p50Ms: p50_ms,
    p95Ms: p95_ms,
    residentMb: usageOf(actors.server).residentMb,
    ...company(spent),
  };
}
