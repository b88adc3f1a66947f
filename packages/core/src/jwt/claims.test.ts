import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../limits.ts";
import { parseStrictObject } from "../wire/strict-json.ts";
import { judgeLifetime, type LifetimePolicy, numericDateS } from "./claims.ts";
import { RULES } from "./rules.ts";

const rules: readonly unknown[] = Object.values(RULES);
const NOW_S = 1_800_000_000;

/** Dates around now, and what stands in their place in tokens that somebody made up. */
const date = fc.oneof(
  fc.integer({ min: -700, max: 700 }).map((offsetS) => String(NOW_S + offsetS)),
  fc.double({ min: NOW_S - 2, max: NOW_S + 2, noNaN: true }).map(String),
  fc.constantFrom("0", "-0", "-1", "1e10", "9007199254740993", "1e308", "-1e308", "5e-324", "1E2", "0.9"),
  fc.json({ maxDepth: 2 }),
);

const claimsText = fc.record({ exp: date, nbf: date, iat: date }, { requiredKeys: [] }).map(
  (given) =>
    `{${Object.entries(given)
      .map(([name, text]) => `"${name}":${text}`)
      .join()}}`,
);

const policy: fc.Arbitrary<LifetimePolicy> = fc.record({
  leewayS: fc.integer({ min: 0, max: LIMITS.maxLeewayS }),
  requireExp: fc.boolean(),
  maxLifetimeS: fc.option(fc.integer({ min: 1, max: 1000 })),
});

describe("the lifetime of any claims", () => {
  test("is judged without throwing, and only claims that hold at this moment pass", () => {
    let passed = 0;
    fc.assert(
      fc.property(claimsText, policy, (text, given) => {
        const claims = parseStrictObject(text, LIMITS.maxJsonDepth);
        if (typeof claims === "string") return;
        const expS = numericDateS(claims, "exp");
        const rule = judgeLifetime(claims, expS, given, NOW_S * 1000);
        if (rule !== null) {
          expect(rules).toContain(rule);
          return;
        }
        passed += 1;
        const { exp, nbf } = claims;
        // Zero counts as absent, as in the reference.
        const expires = typeof exp === "number" && exp !== 0;
        expect(exp === undefined || typeof exp === "number").toBe(true);
        expect(nbf === undefined || typeof nbf === "number").toBe(true);
        if (expires) expect(NOW_S).toBeLessThan(Math.floor(exp) + given.leewayS);
        if (typeof nbf === "number" && nbf !== 0)
          expect(NOW_S).toBeGreaterThanOrEqual(Math.floor(nbf) - given.leewayS);
        if (given.requireExp || given.maxLifetimeS !== null) expect(expires).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(passed).toBeGreaterThan(100);
  });
});
