import type { PeerName } from "./peers.ts";
import { METRICS, type MetricName, type ScenarioName } from "./scenarios.ts";

interface Budget {
  readonly scenario: ScenarioName;
  readonly metric: MetricName;
  readonly against: PeerName;
  /** Which of its figures, where it is not the same one. */
  readonly figure?: { readonly scenario?: ScenarioName; readonly metric?: MetricName };
  /** The ratio of our median to theirs must not be above it … */
  readonly atMost?: number;
  /** … or not below it. */
  readonly atLeast?: number;
}

/** What this server promises, as ratios on one machine in one run: a gate that holds on any machine. */
export const BUDGETS: readonly Budget[] = [
  { scenario: "connect", metric: "cpuUsPerConnect", against: "anycable-go", atMost: 0.45 },
  { scenario: "fanout-steady", metric: "cpuUsPerDelivery", against: "anycable-go", atMost: 0.65 },
  { scenario: "fanout-steady", metric: "cpuUsPerDelivery", against: "floor", atMost: 1.25 },
  {
    scenario: "fanout-broker",
    metric: "cpuUsPerDelivery",
    against: "hawser",
    figure: { scenario: "fanout-steady" },
    atMost: 1.15,
  },
  {
    scenario: "fanout-workers",
    metric: "cpuUsPerDelivery",
    against: "hawser",
    figure: { scenario: "fanout-steady" },
    atMost: 1.25,
  },
  { scenario: "whisper", metric: "cpuUsPerDelivery", against: "anycable-go", atMost: 0.65 },
  { scenario: "whisper", metric: "cpuUsPerDelivery", against: "floor", atMost: 1.25 },
  { scenario: "signed-subscribe", metric: "cpuUsPerSubscribe", against: "anycable-go", atMost: 0.65 },
  { scenario: "fanout-saturated", metric: "deliveriesPerSecond", against: "anycable-go", atLeast: 1.2 },
  { scenario: "memory", metric: "kbPerConnection", against: "anycable-go", atMost: 0.3 },
  { scenario: "memory-resumed", metric: "kbPerConnection", against: "anycable-go", atMost: 0.35 },
  {
    scenario: "resume",
    metric: "cpuUsPerResumeOfFive",
    against: "hawser",
    figure: { metric: "cpuUsPerConnectOfFive" },
    atMost: 1.5,
  },
  { scenario: "storm", metric: "cpuUsPerReturn", against: "anycable-go", atMost: 0.75 },
  { scenario: "storm", metric: "secondsUntilAllAreBack", against: "anycable-go", atMost: 1.25 },
  { scenario: "storm-restart", metric: "cpuUsPerReturn", against: "anycable-go", atMost: 0.7 },
  { scenario: "storm-restart", metric: "secondsUntilAllAreBack", against: "anycable-go", atMost: 1.25 },
  { scenario: "connect-http", metric: "cpuUsPerConnect", against: "anycable-go", atMost: 0.75 },
  { scenario: "connect-grpc", metric: "cpuUsPerConnect", against: "anycable-go", atMost: 0.75 },
];

export interface Judgement {
  readonly budget: string;
  readonly scenario: ScenarioName;
  readonly against: PeerName;
  /** Null when one of the two has no figure. */
  readonly ratio: number | null;
  readonly verdict: "kept" | "broken" | "not judged";
  readonly why: string | null;
}

export type MedianOf = (scenario: ScenarioName, peer: PeerName, metric: MetricName) => number | null;

function nameOf({ against, figure }: Budget): string {
  const label = figure?.metric === undefined ? "" : METRICS[figure.metric].label;
  return [against, figure?.scenario ?? "", label].filter((part) => part !== "").join(" ");
}

/** Judges one budget by the medians. A figure of ours that is missing breaks it; one of theirs leaves it open. */
export function judge(budget: Budget, medianOf: MedianOf): Judgement {
  const { scenario, metric, against, figure, atMost, atLeast } = budget;
  const bound = atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
  const about = {
    budget: `${METRICS[metric].label}, ${scenario}: hawser / ${nameOf(budget)} ${bound}`,
    scenario,
    against,
  };
  const ours = medianOf(scenario, "hawser", metric);
  const theirs = medianOf(figure?.scenario ?? scenario, against, figure?.metric ?? metric);
  if (ours === null) return { ...about, ratio: null, verdict: "broken", why: "hawser has no figure" };
  if (theirs === null || theirs === 0) {
    return { ...about, ratio: null, verdict: "not judged", why: `${against} has no figure` };
  }
  const ratio = ours / theirs;
  const kept = ratio <= (atMost ?? Number.POSITIVE_INFINITY) && ratio >= (atLeast ?? 0);
  return { ...about, ratio, verdict: kept ? "kept" : "broken", why: null };
}
