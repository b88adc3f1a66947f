import type { Clock } from "@hawser/core/clock";
import type { KeyRing } from "@hawser/core/jwt/keyring";
import type { Accepted } from "@hawser/core/jwt/verdict";
import type { Histogram, LabelledCells, Metrics } from "@hawser/core/metrics/registry";

/** What operators want to know of tokens that are taken: whether anybody still uses a key, and how long tokens live. */
export class TokenUse {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #lastUsedMs = new Map<string, number>();
  readonly #lastUsed: LabelledCells<"jwt_key_last_used_timestamp_seconds">;
  readonly #remaining: Histogram;

  constructor(metrics: Metrics, clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
    this.#lastUsed = metrics.labelled("jwt_key_last_used_timestamp_seconds");
    this.#remaining = metrics.histogram("jwt_token_remaining_seconds");
  }

  accepted({ keyName, expiresAtMs }: Pick<Accepted, "keyName" | "expiresAtMs">): void {
    const nowMs = this.#clock.nowMs();
    this.#lastUsedMs.set(keyName, nowMs);
    // With a leeway a token may be taken that is over.
    const leftMs = expiresAtMs === null ? Number.POSITIVE_INFINITY : Math.max(0, expiresAtMs - nowMs);
    this.#remaining.observe(leftMs / 1000);
  }

  /** Null when no token of the key was taken since the start. */
  lastUsedMs(keyName: string): number | null {
    return this.#lastUsedMs.get(keyName) ?? null;
  }

  /** Brings the metric to the keys that there are: one that is gone must not go on to look unused. */
  refresh(ring: KeyRing): void {
    this.#lastUsed.clear();
    const names = new Set(ring.keys.map(({ name }) => name));
    for (const name of this.#lastUsedMs.keys()) if (!names.has(name)) this.#lastUsedMs.delete(name);
    for (const name of names) {
      this.#lastUsed.cell([name]).value = Math.floor((this.#lastUsedMs.get(name) ?? 0) / 1000);
    }
  }
}
