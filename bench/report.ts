import type { Judgement } from "./budgets.ts";
import { LOUD_CORES } from "./measure.ts";
import { aboutPeer, type PeerName } from "./peers.ts";
import { type Round, summaryOf } from "./results.ts";
import {
  METRICS,
  type MetricName,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
  type Size,
} from "./scenarios.ts";

function figure(metric: MetricName, value: number): string {
  const { unit, digits } = METRICS[metric];
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit ? `${text} ${unit}` : text;
}

/** Lines up the columns: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("   ");
  return rows.map((row) => `  ${line(row).trimEnd()}`).join("\n");
}

/** The floor keeps next to nothing a connection, and a ratio to nothing says nothing. */
const ratioText = (ratio: number): string => (ratio < 100 ? ratio.toFixed(2) : "-");

/** One scenario's table: a row a peer, medians, and the first column's spread and ratio to each other peer. */
export function scenarioReport(
  name: ScenarioName,
  size: Size,
  peers: readonly PeerName[],
  rounds: readonly Round[],
): string {
  const scenario: Scenario = SCENARIOS[name];
  const [headline] = scenario.columns;
  if (headline === undefined) throw new Error(`scenario ${name} has no columns`);
  const columns: readonly MetricName[] = [...scenario.columns, "clientCores", "foreignCores"];
  const present = peers.filter((peer) => summaryOf(rounds, name, peer, headline) !== null);
  const head = ["", METRICS[headline].label, "least - most", ...present.map((peer) => `/ ${peer}`)];
  const rows = [[...head, ...columns.slice(1).map((metric) => METRICS[metric].label)]];
  for (const peer of present) {
    const own = summaryOf(rounds, name, peer, headline);
    if (!own) continue;
    const ratios = present.map((other) => {
      const theirs = summaryOf(rounds, name, other, headline);
      return other === peer || !theirs ? "-" : ratioText(own.median / theirs.median);
    });
    const others = columns.slice(1).map((metric) => {
      const summary = summaryOf(rounds, name, peer, metric);
      return summary ? figure(metric, summary.median) : "-";
    });
    const { digits } = METRICS[headline];
    const spread = `${own.least.toFixed(digits)} - ${own.most.toFixed(digits)}`;
    rows.push([peer, figure(headline, own.median), spread, ...ratios, ...others]);
  }
  return [`${name}: ${scenario.title(size)}`, table(rows), ...remarks(name, peers, rounds)].join("\n");
}

function remarks(name: ScenarioName, peers: readonly PeerName[], rounds: readonly Round[]): string[] {
  const failures = rounds.flatMap((round) =>
    round.scenario === name && "failure" in round
      ? [`  ! ${round.peer}, round ${round.round}: ${round.failure.replaceAll("\n", "\n    ")}`]
      : [],
  );
  const loud = peers.filter(
    (peer) => (summaryOf(rounds, name, peer, "foreignCores")?.median ?? 0) > LOUD_CORES,
  );
  if (loud.length === 0) return failures;
  return [...failures, `  ! other programs kept the machine busy beside ${loud.join(", ")}: see "noise"`];
}

/** The lines that say who took part. */
export function peersReport(peers: readonly { name: PeerName; version: string }[]): string {
  const widest = Math.max(...peers.map(({ name }) => name.length));
  const line = (name: PeerName, version: string): string =>
    `  ${name.padEnd(widest)}   ${aboutPeer(name)}: ${version}`;
  return peers.map(({ name, version }) => line(name, version)).join("\n");
}

/** The budgets, each kept, broken or not judged. */
export function budgetsReport(judgements: readonly Judgement[]): string {
  const rows = judgements.map(({ verdict, budget, ratio, why }) => [
    `${verdict === "kept" ? "ok" : verdict === "broken" ? "BROKEN" : "-"}  ${budget}`,
    ratio === null ? (why ?? "") : ratio.toFixed(2),
  ]);
  return ["budgets: medians' ratios", table(rows)].join("\n");
}
