import { describe, expect, test } from "bun:test";
import { createNodeCrypto } from "@hawser/server/drivers/crypto";
import { HMAC_ALGORITHMS } from "../jwt/algorithms.ts";
import { secretFromText } from "../jwt/key-material.ts";
import { createKeyRing, type KeySpec } from "../jwt/keyring.ts";
import { signToken } from "../jwt/sign.ts";
import { createVerifier, DEFAULT_POLICY } from "../jwt/verifier.ts";
import { createMetrics } from "../metrics/registry.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { RecordingLog } from "../testing/recording-log.ts";
import { SecretsMismatch } from "./secrets-mismatch.ts";
import { TokenMeter } from "./token-meter.ts";

const crypto = createNodeCrypto();
const key = (name: string, more: Partial<KeySpec> = {}): KeySpec => ({
  ...{ name, kid: null, algorithms: HMAC_ALGORITHMS, material: secretFromText(name), state: "active" },
  ...more,
});

function metered() {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const log = new RecordingLog();
  const mismatch = new SecretsMismatch({ metrics, clock, log, ourKey: () => "ab12cd34" });
  const meter = new TokenMeter({ metrics, log, mismatch });
  const ring = createKeyRing([key("secret"), key("old", { state: "verify-only" })]);
  const { verify } = createVerifier({
    ring: () => ring,
    crypto,
    clock,
    policy: DEFAULT_POLICY,
    observer: meter,
  });
  const nowS = () => Math.floor(clock.nowMs() / 1000);
  let n = 0;
  return {
    ...{ clock, metrics, log, meter, mismatch, nowS },
    /** A connect with a token of this secret and these claims. */
    come: (secret: string, claims: Record<string, unknown> = {}) =>
      verify(
        signToken(
          { claims: { ext: String(n++), iat: nowS(), exp: nowS() + 600, ...claims }, secret },
          crypto,
        ),
      ),
  };
}

describe("the ages of tokens", () => {
  test("are counted by issuer, for well-signed tokens in use", () => {
    const { metrics, clock, come, nowS } = metered();
    come("secret", { iat: nowS() - 30, nbf: nowS() + 4 });
    come("secret", { iat: undefined });
    come("a stranger's", { iat: nowS() - 30 });
    const fraction = (clock.nowMs() % 1000) / 1000;
    const [issued, ...more] = metrics.labelledHistogram("jwt_issued_ago_seconds").entries();
    expect(issued).toMatchObject({ labelValues: ["none"], cell: { count: 1 } });
    expect(issued!.cell.sum).toBeCloseTo(30 + fraction);
    expect(more).toEqual([]);
    const [valid] = metrics.labelledHistogram("jwt_valid_since_seconds").entries();
    expect(valid!.cell.sum).toBeCloseTo(-4 + fraction);
  });

  test("say when the issuer's clock is ahead, in one line", () => {
    const { log, come, nowS } = metered();
    for (let i = 0; i < 10; i++) come("secret", { iat: nowS() + 8, nbf: nowS() + 8 });
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]!.message).toStartWith(
      "the clock of whoever issues the tokens runs ahead of ours: tokens come up to 8 s from the future",
    );
  });
});

describe("a mismatch of secrets", () => {
  test("is one warning and a gauge, until a newer token passes", () => {
    const { log, metrics, clock, mismatch, come } = metered();
    come("secret");
    clock.advance(3000);
    const since = new Date(clock.nowMs()).toTimeString().slice(0, 8);
    for (let i = 0; i < 6; i++) come("another");
    clock.advance(1000);
    expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      `warn JWT secrets differ: 6 tokens since ${since} fail on signature; this server's key is ab12cd34; ` +
        "the app was probably redeployed with another ANYCABLE_SECRET",
    ]);
    expect([metrics.gauge("jwt_secret_mismatch").value, mismatch.isRaised]).toEqual([1, true]);
    clock.advance(2000);
    come("old");
    expect([metrics.gauge("jwt_secret_mismatch").value, mismatch.isRaised]).toEqual([0, false]);
    expect(log.lines.at(-1)!.message).toStartWith("JWT secrets agree again");
  });

  test("is looked for in so many forged tokens a second", () => {
    const { meter, clock } = metered();
    const nowMs = clock.nowMs();
    expect(Array.from({ length: 1000 }, () => meter.wantsForged(nowMs)).filter(Boolean)).toHaveLength(50);
    expect(meter.wantsForged(nowMs + 1000)).toBe(true);
  });
});
