import { expect, test } from "bun:test";
import { ringOfSecret } from "@hawser/core/jwt/keyring";
import { createMetrics } from "@hawser/core/metrics/registry";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { TokenUse } from "./token-use.ts";

function used() {
  const metrics = createMetrics();
  const clock = new ManualClock();
  const use = new TokenUse(metrics, clock);
  const accept = (keyName: string, expiresAtMs: number | null) => use.accepted({ keyName, expiresAtMs });
  const lines = () =>
    [...metrics.labelled("jwt_key_last_used_timestamp_seconds").samples()].map(
      ({ labelValues, value }) => `${labelValues} ${value}`,
    );
  return { metrics, clock, use, accept, lines };
}

test("every key of the ring is told, with 0 for one that was never used", () => {
  const { use, clock, accept, lines } = used();
  const ring = ringOfSecret("a", "new");
  use.refresh(ring);
  expect(lines()).toEqual(["new 0"]);
  expect(use.lastUsedMs("new")).toBeNull();
  accept("new", null);
  const atMs = clock.nowMs();
  clock.advance(5000);
  use.refresh(ring);
  expect(lines()).toEqual([`new ${Math.floor(atMs / 1000)}`]);
  expect(use.lastUsedMs("new")).toBe(atMs);
});

test("a key that has left the ring is told no more", () => {
  const { use, accept, lines } = used();
  accept("old", null);
  use.refresh(ringOfSecret("a", "old"));
  use.refresh(ringOfSecret("b", "new"));
  expect(lines()).toEqual(["new 0"]);
  expect(use.lastUsedMs("old")).toBeNull();
});

test("the life that is left is told in seconds; for ever is more than any bucket and in no sum", () => {
  const { metrics, clock, accept } = used();
  accept("k", clock.nowMs() + 45_000);
  accept("k", clock.nowMs() - 5);
  accept("k", null);
  const { buckets, counts, sum, count } = metrics.histogram("jwt_token_remaining_seconds");
  expect({ sum, count }).toEqual({ sum: 45, count: 3 });
  expect(counts[buckets.indexOf(10)]).toBe(1);
  expect(counts[buckets.indexOf(60)]).toBe(1);
  expect(counts[buckets.length]).toBe(1);
});
