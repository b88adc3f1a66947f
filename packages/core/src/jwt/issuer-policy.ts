import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type JsonValue, memberOf } from "../wire/strict-json.ts";
import { type Claims, judgeLifetime, type LifetimePolicy, numericDateS } from "./claims.ts";
import type { TokenHeader } from "./header.ts";
import { type Identify, identityOf } from "./identity.ts";
import { RULES, type Rule } from "./rules.ts";

/** What the tokens of one issuer have to be like, besides signed with a key of its. */
export interface IssuerPolicy extends LifetimePolicy {
  /** What `iss` has to say, and whose keys these tokens are verified with; null for whoever no other policy is for. */
  readonly issuer: string | null;
  /** `aud` has to name one of these; null to look at none. */
  readonly audience: readonly string[] | null;
  /** What the header's `typ` has to say, as `mediaType` writes it; null for anything. */
  readonly type: string | null;
  /** A claim that tells what tokens are for, and what it has to say; null where there is none. */
  readonly use: { readonly claim: string; readonly value: string } | null;
  /** A claim that says in place of `exp` when a connection has to end; null for `exp`, and so for tokens without it. */
  readonly expireClaim: string | null;
  /** Who the bearer is. */
  readonly identify: Identify;
}

/** What AnyCable's options mean when none is set. */
export const DEFAULT_ISSUER: IssuerPolicy = {
  issuer: null,
  audience: null,
  type: null,
  use: null,
  expireClaim: null,
  identify: identityOf,
  leewayS: 0,
  requireExp: false,
  maxLifetimeS: null,
};

/** What a token with a good signature is against, or null. `expS` is its `exp` by `numericDateS`. */
export function judgeClaims(
  policy: IssuerPolicy,
  header: TokenHeader,
  claims: Claims,
  expS: number | null,
  nowMs: number,
): Rule | null {
  if (policy.type !== null && header.typ !== policy.type) return RULES.type_other;
  if (policy.use !== null && memberOf(claims, policy.use.claim) !== policy.use.value) return RULES.use_other;
  if (policy.issuer !== null && memberOf(claims, "iss") !== policy.issuer) return RULES.issuer_other;
  if (policy.audience !== null && !names(memberOf(claims, "aud"), policy.audience)) {
    return RULES.audience_other;
  }
  return judgeLifetime(claims, expS, policy, nowMs) ?? judgeEnd(policy, claims, nowMs);
}

/** Whoever is let in now must not have to go at once. */
function judgeEnd({ expireClaim, leewayS }: IssuerPolicy, claims: Claims, nowMs: number): Rule | null {
  const endS = expireClaim === null ? null : numericDateS(claims, expireClaim);
  if (endS === null) return null;
  if (Number.isNaN(endS)) return RULES.end_not_number;
  return nowMs >= (endS + leewayS) * 1000 ? RULES.ended : null;
}

/**
 * When a connection that came with this token has to end, in seconds since the epoch and without leeway; null for never.
 * `expS` is the token's `exp` by `numericDateS`.
 */
export function connectionEndS(
  { expireClaim }: IssuerPolicy,
  claims: Claims,
  expS: number | null,
): number | null {
  return (expireClaim === null ? null : numericDateS(claims, expireClaim)) ?? expS;
}

/** RFC 7519 4.1.3: one string, or an array of them. */
function names(aud: JsonValue | undefined, wanted: readonly string[]): boolean {
  if (typeof aud === "string") return wanted.includes(aud);
  return Array.isArray(aud) && aud.some((one) => typeof one === "string" && wanted.includes(one));
}

/**
 * The policies by issuer.
 *
 * @throws CableError `config_invalid` when there is none, two are for one issuer, or a number is out of its range.
 */
export function policiesByIssuer(
  policies: readonly IssuerPolicy[],
): ReadonlyMap<string | null, IssuerPolicy> {
  const byIssuer = new Map<string | null, IssuerPolicy>();
  for (const policy of policies) {
    const { issuer, leewayS, maxLifetimeS } = policy;
    if (byIssuer.has(issuer)) {
      const whose = issuer === null ? "tokens of any issuer" : `the issuer ${JSON.stringify(issuer)}`;
      throw new CableError(
        "config_invalid",
        `Cannot make a token verifier: ${whose} has two policies. Give one.`,
      );
    }
    checkRange("leewayS", leewayS, 0, LIMITS.maxLeewayS);
    if (maxLifetimeS !== null) checkRange("maxLifetimeS", maxLifetimeS, 1, Number.MAX_SAFE_INTEGER);
    byIssuer.set(issuer, policy);
  }
  if (byIssuer.size === 0) {
    throw new CableError("config_invalid", "Cannot make a token verifier: there is no issuer. Name one.");
  }
  return byIssuer;
}

/** The policy that judges a token with these claims: its issuer's, else the one for all others. */
export function policyFor(
  policies: ReadonlyMap<string | null, IssuerPolicy>,
  claims: Claims,
): IssuerPolicy | undefined {
  const iss = memberOf(claims, "iss");
  return (typeof iss === "string" ? policies.get(iss) : undefined) ?? policies.get(null);
}

export function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new CableError(
    "config_invalid",
    `Cannot make a token verifier: ${name} is ${value}. Give a whole number from ${least} to ${most}.`,
  );
}
