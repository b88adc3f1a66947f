import { play, type Side } from "./play.ts";
import type { Group, Scenario } from "./scenario.ts";
import { type Command, type ServerUnderTest, startServer } from "./server-under-test.ts";

export interface Outcome {
  readonly group: Group;
  readonly scenario: Scenario;
  readonly result: "passed" | "failed" | "skipped";
  /** Why it failed or was left out. */
  readonly why: string;
  readonly tookMs: number;
}

export interface RunOptions {
  readonly under: Command;
  readonly side: Side;
  /** Servers at a time. */
  readonly servers: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Scenarios that wait run side by side; more of them would only stand in each other's way. */
const SIDE_BY_SIDE = 12;

/** Runs every scenario of every group; never throws for a scenario. */
export async function runGroups(groups: readonly Group[], options: RunOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const report = (outcome: Outcome) => {
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  };
  await eachOf(groups, options.servers, (group) => runGroup(group, options, report));
  return outcomes;
}

/** Why the group cannot run here; null when it can. */
export function whyNot({ embedsNats }: Group, side: Side): string | null {
  const isMissing = embedsNats === true && side === "ours" && Bun.which("nats-server") === null;
  return isMissing ? "there is no nats-server on PATH" : null;
}

type Report = (outcome: Outcome) => void;

async function runGroup(group: Group, options: RunOptions, report: Report): Promise<void> {
  const missing = whyNot(group, options.side);
  const runnable: Scenario[] = [];
  for (const scenario of group.scenarios) {
    if (missing !== null) {
      report({ group, scenario, result: "skipped", why: missing, tookMs: 0 });
      continue;
    }
    const onlyOurs = scenario.onlyOurs ?? group.onlyOurs;
    if (options.side === "ours" || onlyOurs === undefined) runnable.push(scenario);
    else report({ group, scenario, result: "skipped", why: onlyOurs, tookMs: 0 });
  }
  if (runnable.length === 0) return;
  const { under, side } = options;
  const playOn = (scenario: Scenario, server: ServerUnderTest | null) =>
    outcomeOf(group, scenario, () => play(scenario.steps, side, under, server)).then(report);
  switch (group.server ?? "shared") {
    case "none":
      return eachOf(runnable, 1, (scenario) => playOn(scenario, null));
    case "each":
      return eachOf(runnable, 1, (scenario) =>
        withServer(group, options, [scenario], report, (server) => playOn(scenario, server)),
      );
    case "serial":
      return withServer(group, options, runnable, report, (server) =>
        eachOf(runnable, 1, (scenario) => playOn(scenario, server)),
      );
    case "shared":
      return withServer(group, options, runnable, report, (server) =>
        eachOf(runnable, SIDE_BY_SIDE, (scenario) => playOn(scenario, server)),
      );
  }
}

async function withServer(
  group: Group,
  options: RunOptions,
  scenarios: readonly Scenario[],
  report: Report,
  use: (server: ServerUnderTest) => Promise<void>,
): Promise<void> {
  let server: ServerUnderTest;
  try {
    const isOne = options.side === "ours" && group.oneThread !== undefined;
    const flags = isOne ? ["--workers=1", ...group.flags] : group.flags;
    server = await startServer(options.under, { ...group, flags });
  } catch (thrown) {
    for (const scenario of scenarios) {
      report({ group, scenario, result: "failed", why: String(thrown), tookMs: 0 });
    }
    return;
  }
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

async function outcomeOf(group: Group, scenario: Scenario, run: () => Promise<void>): Promise<Outcome> {
  const startedMs = performance.now();
  const outcome = (result: Outcome["result"], why: string): Outcome => ({
    group,
    scenario,
    result,
    why,
    tookMs: performance.now() - startedMs,
  });
  try {
    await run();
    return outcome("passed", "");
  } catch (thrown) {
    return outcome("failed", thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Runs `use` for every item, so many at a time. */
async function eachOf<T>(
  items: readonly T[],
  atATime: number,
  use: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await use(item);
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, work));
}
