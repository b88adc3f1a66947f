import { parseArgs } from "node:util";
import { PEER_NAMES, type PeerName } from "./peers.ts";
import { SCENARIO_NAMES, type ScenarioName } from "./scenarios.ts";

export const HELP = `npm run bench -- [options]

  --rounds N            rounds of each scenario, peers taking turns (5); the report gives medians
  --quick               one round, fewer clients: shows that the bench works, judges no budget
  --scenarios A,B       of ${SCENARIO_NAMES.join(", ")} (all)
  --peers A,B           of ${PEER_NAMES.join(", ")} (hawser, floor, anycable-go);
                        anycable-go takes part when it is on PATH
  --patience S          on a shared machine: up to S seconds a round (0) to wait until others are quiet, and to play a
                        round again that they disturbed; of its tries the quietest counts
  --json FILE           also write every sample, the medians and the judgements there
  --help                this text

HAWSER_BENCH_COMMAND names another server to measure as "hawser", e.g. another checkout's bin/hawser.
Ends with 1 when a budget is broken or a round of hawser failed.`;

export interface Options {
  readonly rounds: number;
  readonly quick: boolean;
  readonly patienceSeconds: number;
  readonly scenarios: readonly ScenarioName[];
  readonly peers: readonly PeerName[];
  readonly json: string | null;
  readonly help: boolean;
}

/** Reads the command line. Throws an Error that says what was wrong and what would be right. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      scenarios: { type: "string" },
      peers: { type: "string", default: "hawser,floor,anycable-go" },
      patience: { type: "string", default: "0" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds=${values.rounds}: give a whole number from 1`);
  }
  const patienceSeconds = Number(values.patience);
  if (!(patienceSeconds >= 0)) throw new Error(`--patience=${values.patience}: give seconds, or 0`);
  return {
    rounds,
    patienceSeconds,
    quick: values.quick,
    scenarios: values.scenarios ? pick("--scenarios", values.scenarios, SCENARIO_NAMES) : SCENARIO_NAMES,
    peers: pick("--peers", values.peers, PEER_NAMES),
    json: values.json ?? null,
    help: values.help,
  };
}

function pick<Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  return text.split(",").map((given) => {
    const name = known.find((candidate) => candidate === given.trim());
    if (name === undefined)
      throw new Error(`${option}: there is no "${given}"; known are ${known.join(", ")}`);
    return name;
  });
}
