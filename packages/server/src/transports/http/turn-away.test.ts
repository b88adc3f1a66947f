import { expect, test } from "bun:test";
import { AcceptRate } from "@hawser/core/engine/accept-rate";
import { MemoryFailedAuths } from "@hawser/core/engine/failed-auths";
import { createMetrics } from "@hawser/core/metrics/registry";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { SeededRandom } from "@hawser/core/testing/seeded-random";
import { TurnAway } from "./turn-away.ts";

test("an address that failed too often is told to come again when its minute is over", async () => {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const refused = metrics.labelled("refused_connections_total");
  const failedAuths = new MemoryFailedAuths(clock, { maxPerMinute: 1 });
  const lines: unknown[] = [];
  const sampled = (...line: unknown[]) => void lines.push(line);
  const turnAway = new TurnAway({
    failedAuths,
    acceptRate: null,
    refused,
    sampled,
    random: new SeededRandom(),
  });
  expect(turnAway.answer("192.0.2.1", false, {})).toBeNull();
  failedAuths.add("192.0.2.1");
  clock.advance(17_500);
  const answer = turnAway.answer("192.0.2.1", false, { "X-More": "yes" });
  expect(answer?.status).toBe(429);
  expect(answer?.headers.get("retry-after")).toBe("43");
  expect(answer?.headers.get("x-more")).toBe("yes");
  expect(await answer?.text()).toBe("Too Many Requests\n");
  expect([...refused.samples()]).toMatchObject([{ labelValues: ["failed_auths"], value: 1 }]);
  expect(lines).toEqual([
    [
      "info",
      "failed_auths",
      "connection refused: too many failed authentications from its address",
      { remote: "192.0.2.1" },
    ],
  ]);
  clock.advance(42_500);
  expect(turnAway.answer("192.0.2.1", false, {})).toBeNull();
});

test("who comes too early is told to come again, each at another time, and is not counted as a failure", () => {
  const clock = new ManualClock();
  const refused = createMetrics().labelled("refused_connections_total");
  const turnAway = new TurnAway({
    failedAuths: null,
    acceptRate: new AcceptRate(clock, 1),
    refused,
    sampled: () => {},
    random: new SeededRandom(),
  });
  expect(turnAway.answer("192.0.2.1", false, {})).toBeNull();
  const answers = Array.from({ length: 50 }, () => turnAway.answer("192.0.2.1", false, {}));
  expect(new Set(answers.map((answer) => answer?.status))).toEqual(new Set([503]));
  const times = new Set(answers.map((answer) => Number(answer?.headers.get("retry-after"))));
  expect([...times].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect([...refused.samples()]).toMatchObject([{ labelValues: ["accept_rate"], value: 50 }]);
});
