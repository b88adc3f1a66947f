import { join, resolve } from "node:path";
import type { Side } from "./play.ts";
import { type Outcome, runGroups } from "./run-groups.ts";
import { GROUPS } from "./scenarios/all-groups.ts";

/**
 * Runs the wire scenarios against a server command:
 *
 *   bun conformance/run.ts [--reference] [--only TEXT] [--times] [-- COMMAND [flags]]
 *
 * Without a command it is this project's server. `--reference` takes the reference's side where a scenario differs on
 * purpose, `--only` the scenarios whose group or name holds the text. Ends with 1 when one failed.
 */

interface Arguments {
  readonly side: Side;
  readonly only: string;
  readonly times: boolean;
  readonly command: string;
  readonly flags: readonly string[];
}

const SERVERS_AT_A_TIME = 4;

const { side, only, times, command, flags } = readArguments(process.argv.slice(2));
const groups = GROUPS.map((group) => ({
  ...group,
  scenarios: group.scenarios.filter(({ name }) => `${group.title}: ${name}`.includes(only)),
})).filter(({ scenarios }) => scenarios.length > 0);

const startedMs = performance.now();
const outcomes = await runGroups(groups, {
  under: { command, flags },
  side,
  servers: SERVERS_AT_A_TIME,
  onOutcome: print,
});
const count = (result: Outcome["result"]) => outcomes.filter((outcome) => outcome.result === result).length;
const skipped = count("skipped") > 0 ? `, ${count("skipped")} skipped` : "";
console.log(`took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
console.log(`${count("passed")} passed, ${count("failed")} failed${skipped}`);
process.exit(count("failed") === 0 && count("passed") > 0 ? 0 : 1);

function print({ group, scenario, result, why, tookMs }: Outcome): void {
  const mark = { passed: "ok  ", failed: "FAIL", skipped: "skip" }[result];
  const took = times ? ` (${Math.round(tookMs)} ms)` : "";
  console.log(`${mark}  ${group.title}: ${scenario.name}${took}${why === "" ? "" : `\n      ${why}`}`);
}

/** Everything from `--`, or from the first word that is no option, is the command: the runtime takes a first `--` away. */
function readArguments(given: readonly string[]): Arguments {
  const parsed = { side: "ours" as Side, only: "", times: false };
  let at = 0;
  for (; at < given.length; at += 1) {
    if (given[at] === "--reference") parsed.side = "reference";
    else if (given[at] === "--times") parsed.times = true;
    else if (given[at] === "--only") parsed.only = given[++at] ?? "";
    else break;
  }
  if (given[at] === "--") at += 1;
  const [command = join(import.meta.dir, "../bin/hawser"), ...flags] = given.slice(at);
  if (command.startsWith("-")) {
    console.error(`unknown argument ${command}: [--reference] [--only TEXT] [--times] [-- COMMAND [flags]]`);
    process.exit(2);
  }
  // As a shell does it: a bare name is looked for on PATH.
  return { ...parsed, command: Bun.which(command) ?? resolve(command), flags };
}
