import { LIMITS } from "../limits.ts";
import { type JsonObject, memberOf } from "../wire/strict-json.ts";
import { RULES, type Rule } from "./rules.ts";

/** The verified payload of a token. */
export type Claims = JsonObject;

export interface LifetimePolicy {
  /** How far clocks may be apart, for `exp` and `nbf`: 0 to 300 s. */
  readonly leewayS: number;
  /** Refuse tokens without `exp`. */
  readonly requireExp: boolean;
  /** Refuse tokens made to live longer than this; null for any lifetime. Such tokens need an `exp`. */
  readonly maxLifetimeS: number | null;
}

/**
 * The claim `name` as a NumericDate (RFC 7519 2), in whole seconds since the epoch: fractions are dropped, and 0 counts
 * as absent, as golang-jwt v5 does for AnyCable.
 *
 * @returns null when absent, NaN when it is anything but a number.
 */
export function numericDateS(claims: Claims, name: string): number | null {
  const value = memberOf(claims, name);
  if (value === undefined) return null;
  if (typeof value !== "number") return Number.NaN;
  return value === 0 ? null : Math.floor(value);
}

/**
 * What the token's times are against, or null when it is valid now. `expS` is its `exp` by `numericDateS`.
 * A token that is expired and not yet valid at once is expired, as in the reference.
 */
export function judgeLifetime(
  claims: Claims,
  expS: number | null,
  policy: LifetimePolicy,
  nowMs: number,
): Rule | null {
  if (expS === null) {
    if (policy.requireExp || policy.maxLifetimeS !== null) return RULES.exp_missing;
  } else {
    if (Number.isNaN(expS)) return RULES.exp_not_number;
    // RFC 7519 4.1.4: on or after the instant it is too late.
    if (nowMs >= (expS + policy.leewayS) * 1000) return RULES.expired;
  }
  const nbfS = numericDateS(claims, "nbf");
  if (nbfS !== null) {
    if (Number.isNaN(nbfS)) return RULES.nbf_not_number;
    if (nowMs < (nbfS - policy.leewayS) * 1000) return RULES.not_yet_valid;
  }
  if (policy.maxLifetimeS === null || expS === null) return null;
  return judgeLength(claims, expS, policy.maxLifetimeS, nowMs);
}

function judgeLength(claims: Claims, expS: number, maxLifetimeS: number, nowMs: number): Rule | null {
  const iatS = numericDateS(claims, "iat");
  if (Number.isNaN(iatS)) return RULES.iat_not_number;
  const nowS = nowMs / 1000;
  // An `iat` further ahead than clocks are apart would hide any lifetime.
  const startS = iatS === null || iatS > nowS + LIMITS.maxLeewayS ? nowS : iatS;
  return expS - startS > maxLifetimeS ? RULES.lifetime_too_long : null;
}
