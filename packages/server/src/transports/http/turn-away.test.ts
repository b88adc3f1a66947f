import { expect, test } from "bun:test";
import { FailedAuths } from "@hawser/core/engine/failed-auths";
import { createMetrics } from "@hawser/core/metrics/registry";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { TurnAway } from "./turn-away.ts";

test("an address that failed too often is told to come again when its minute is over", async () => {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const refused = metrics.labelled("refused_connections_total");
  const failedAuths = new FailedAuths(clock, { maxPerMinute: 1 });
  const lines: unknown[] = [];
  const sampled = (...line: unknown[]) => void lines.push(line);
  const turnAway = new TurnAway({ failedAuths, refused, sampled });
  expect(turnAway.answer("192.0.2.1", {})).toBeNull();
  failedAuths.add("192.0.2.1");
  clock.advance(17_500);
  const answer = turnAway.answer("192.0.2.1", { "X-More": "yes" });
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
  expect(turnAway.answer("192.0.2.1", {})).toBeNull();
});
