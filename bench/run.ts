import { writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { BUDGETS, judge } from "./budgets.ts";
import { compile } from "./compile.ts";
import { startLoadClient } from "./load-client.ts";
import { LOUD_CORES, waitForQuiet } from "./measure.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { type Authentication, canPlay, isInstalled, type PeerName, startPeer, versionOf } from "./peers.ts";
import { budgetsReport, peersReport, scenarioReport } from "./report.ts";
import { type Round, summaryOf } from "./results.ts";
import {
  FULL_SIZE,
  QUICK_SIZE,
  type Sample,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
  type Size,
} from "./scenarios.ts";
import { freePort, startTalker } from "./spawn.ts";
import { writeSignedStreams, writeTokens } from "./tokens.ts";

// Beside its connections a server has listeners, logs, a runtime's own descriptors, and so has the load client.
const SPARE_DESCRIPTORS = 200;

/** Throws when this machine cannot play the scenarios, saying what to change. */
function checkMachine(size: Size): void {
  if (process.platform !== "linux")
    throw new Error("the bench reads CPU and memory from /proc, so it needs Linux");
  compile("clients/load.c");
  compile("controls/floor.c");
  const needed = Math.max(size.connections, size.subscribers) + SPARE_DESCRIPTORS;
  const limit = Bun.spawnSync(["/bin/sh", "-c", "ulimit -H -n"]).stdout.toString().trim();
  if (limit !== "unlimited" && Number(limit) < needed) {
    throw new Error(
      `opening ${size.connections} connections needs ${needed} file descriptors a process and the hard limit is ${limit}: raise it (ulimit -n ${needed}, or LimitNOFILE, or --ulimit nofile=${needed} for a container), or use --quick`,
    );
  }
}

/** What the load client reads from files. */
interface Files {
  readonly tokens: string;
  readonly signedStreams: string;
}

/** Who lets clients in, by how it is asked. */
const BACKENDS = { grpc: "grpc-backend.ts", http: "http-backend.ts" } as const;

/** How the servers of a round let clients in; a backend that answers is started for it, and stopped at its end. */
async function authenticationOf(kind: Authentication["kind"]) {
  if (kind === "jwt") return { backend: null, authentication: { kind } } as const;
  if (kind === "jwt-backend-down") {
    return { backend: null, authentication: { kind, backendPort: freePort() } } as const;
  }
  const script = `${import.meta.dir}/${BACKENDS[kind]}`;
  const backend = startTalker("the backend", [process.execPath, "--no-env-file", script]);
  return { backend, authentication: { kind, backendPort: Number(await backend.hear()) } } as const;
}

/** Starts everything that one round of one peer needs, plays it and stops everything. */
async function playOnce(name: ScenarioName, peer: PeerName, size: Size, files: Files): Promise<Sample> {
  const scenario: Scenario = SCENARIOS[name];
  const { backend, authentication } = await authenticationOf(scenario.authentication);
  try {
    const running = await startPeer(peer, authentication, scenario.flags ?? []);
    const load = startLoadClient({
      port: running.port,
      broadcastPort: running.broadcastPort,
      ...(backend ? {} : { tokens: files.tokens }),
      ...(scenario.protocol === undefined ? {} : { protocol: scenario.protocol }),
      ...(scenario.signedStreams ? { identifiers: files.signedStreams } : {}),
    });
    const actors = {
      get server() {
        return running.server.pid;
      },
      client: load.pid,
      backend: backend?.pid ?? null,
    };
    try {
      return await scenario.play({ actors, load, size, restart: () => running.restart() });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${running.server.output()}`.trim());
    } finally {
      await load.stop();
      await running.server.stop();
    }
  } finally {
    await backend?.stop();
  }
}

/** Plays a round, and as long as patience lasts again when others disturbed it; returns the quietest. */
async function playInPeace(patienceSeconds: number, play: () => Promise<Sample>): Promise<Sample> {
  const deadlineMs = performance.now() + patienceSeconds * 1000;
  const noise = ({ foreignCores }: Sample): number => foreignCores ?? 0;
  await waitForQuiet(deadlineMs);
  let quietest = await play();
  while (noise(quietest) > LOUD_CORES && performance.now() < deadlineMs) {
    await waitForQuiet(deadlineMs);
    const again = await play();
    if (noise(again) < noise(quietest)) quietest = again;
  }
  return quietest;
}

async function playScenario(
  name: ScenarioName,
  options: Options,
  size: Size,
  files: Files,
): Promise<Round[]> {
  const rounds: Round[] = [];
  const scenario: Scenario = SCENARIOS[name];
  const players = new Set(
    options.peers.filter(
      (peer) =>
        isInstalled(peer) &&
        canPlay(peer, scenario.authentication, scenario.manyStreams) &&
        (peer === "hawser" || scenario.oursAlone !== true),
    ),
  );
  for (let round = 1; round <= options.rounds; round++) {
    for (const peer of players) {
      console.error(`${name}, round ${round} of ${options.rounds}: ${peer}`);
      try {
        rounds.push({
          scenario: name,
          peer,
          round,
          sample: await playInPeace(options.patienceSeconds, () => playOnce(name, peer, size, files)),
        });
      } catch (error) {
        rounds.push({
          scenario: name,
          peer,
          round,
          failure: error instanceof Error ? error.message : String(error),
        });
        // A failure takes a while, and a second one would say the same.
        players.delete(peer);
      }
    }
  }
  return rounds;
}

/** Plays everything, prints the report and returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const size = options.quick ? QUICK_SIZE : FULL_SIZE;
  checkMachine(size);
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / (1 << 30))} GB, Linux ${release()}`;
  const peers = options.peers.map((name) => ({ name, version: versionOf(name) }));
  console.log(
    `${machine}; rounds: ${options.rounds}, taking turns; figures are medians\n${peersReport(peers)}\n`,
  );

  const clients = Math.max(size.connections, size.subscribers);
  const files = { tokens: writeTokens(clients), signedStreams: writeSignedStreams(clients) };
  const rounds: Round[] = [];
  for (const name of options.scenarios) {
    rounds.push(...(await playScenario(name, options, size, files)));
    console.log(`${scenarioReport(name, size, options.peers, rounds)}\n`);
  }

  const judgements = BUDGETS.filter(
    ({ scenario, against }) =>
      options.scenarios.includes(scenario) &&
      options.peers.includes("hawser") &&
      options.peers.includes(against),
  ).map((budget) => judge(budget, (...which) => summaryOf(rounds, ...which)?.median ?? null));
  const enforced = !options.quick;
  console.log(budgetsReport(judgements));
  if (!enforced) console.log("  --quick: too few clients and rounds for the budgets to count");
  if (options.json)
    writeFileSync(
      options.json,
      `${JSON.stringify({ machine, options, size, peers, rounds, judgements }, null, 2)}\n`,
    );
  const failed = rounds.some((round) => round.peer === "hawser" && "failure" in round);
  return failed || (enforced && judgements.some(({ verdict }) => verdict === "broken")) ? 1 : 0;
}

// Exiting, unlike a signal's default, stops what was started and removes what was written.
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
