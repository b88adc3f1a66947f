import type { PeerName } from "./peers.ts";
import type { MetricName, Sample, ScenarioName } from "./scenarios.ts";
import { type Summary, summarize } from "./statistics.ts";

/** One round of one peer: its figures, or why it has none. */
export type Round =
  | {
      readonly scenario: ScenarioName;
      readonly peer: PeerName;
      readonly round: number;
      readonly sample: Sample;
    }
  | {
      readonly scenario: ScenarioName;
      readonly peer: PeerName;
      readonly round: number;
      readonly failure: string;
    };

/** The figure over all rounds that have it; null when none has. */
export function summaryOf(
  rounds: readonly Round[],
  scenario: ScenarioName,
  peer: PeerName,
  metric: MetricName,
): Summary | null {
  const figures = rounds
    .filter((round) => round.scenario === scenario && round.peer === peer)
    .map((round) => ("sample" in round ? round.sample[metric] : undefined))
    .filter((figure) => figure !== undefined);
  return figures.length > 0 ? summarize(figures) : null;
}
