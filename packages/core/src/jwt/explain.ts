import { LIMITS } from "../limits.ts";
import { base64urlByteLength, decodeBase64url } from "../wire/base64url.ts";
import { parseStrictObject } from "../wire/strict-json.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import type { Claims } from "./claims.ts";
import { type CompactToken, CompactVerifier } from "./compact.ts";
import type { JwtCrypto } from "./crypto.ts";
import { factsOf } from "./explain-facts.ts";
import { type IssuerPolicy, policiesByIssuer, policyFor } from "./issuer-policy.ts";
import type { KeyRing, VerificationKey } from "./keyring.ts";
import { RULES, type RuleName } from "./rules.ts";
import type { Verdict } from "./verdict.ts";
import { createVerifier, type VerifierPolicy } from "./verifier.ts";

/** What a token is checked for, in the verifier's order. */
export const CHECKS = [
  "size",
  "format",
  "header",
  "algorithm",
  "key",
  "signature",
  "key state",
  "payload",
  "type",
  "issuer",
  "audience",
  "expiry",
  "not before",
  "lifetime",
  "identity",
] as const;

/** With several issuers the payload says whose keys to try, so that it comes before them. */
const CHECKS_OF_MANY: readonly CheckName[] = [
  "size",
  "format",
  "header",
  "payload",
  "issuer",
  "algorithm",
  "key",
  "signature",
  "key state",
  "type",
  "audience",
  "expiry",
  "not before",
  "lifetime",
  "identity",
];

export type CheckName = (typeof CHECKS)[number];

/** Which check each rule of the verifier belongs to. */
export const CHECK_OF_RULE = {
  token_too_large: "size",
  not_canonical: "format",
  not_three_segments: "format",
  encrypted: "format",
  foreign_character: "format",
  bearer_prefix: "format",
  padding: "format",
  header_too_large: "header",
  header_not_utf8: "header",
  header_not_json: "header",
  header_not_object: "header",
  header_too_deep: "header",
  header_duplicate_member: "header",
  header_not_finite: "header",
  crit: "header",
  b64: "header",
  zip: "header",
  kid_invalid: "header",
  alg_invalid: "header",
  alg_unknown: "header",
  alg_without_key: "algorithm",
  alg_not_of_key: "algorithm",
  kid_unknown: "key",
  bad_signature: "signature",
  key_not_yet: "key state",
  key_retired: "key state",
  key_revoked: "key state",
  payload_not_utf8: "payload",
  payload_not_json: "payload",
  payload_not_object: "payload",
  payload_too_deep: "payload",
  payload_duplicate_member: "payload",
  payload_not_finite: "payload",
  type_other: "type",
  use_other: "type",
  issuer_unknown: "issuer",
  issuer_other: "issuer",
  audience_other: "audience",
  exp_not_number: "expiry",
  expired: "expiry",
  exp_missing: "expiry",
  end_not_number: "lifetime",
  ended: "lifetime",
  nbf_not_number: "not before",
  not_yet_valid: "not before",
  iat_not_number: "lifetime",
  lifetime_too_long: "lifetime",
  ext_missing: "identity",
  ext_not_string: "identity",
  ext_not_text: "identity",
  claim_missing: "identity",
  claim_not_plain: "identity",
  claim_not_exact: "identity",
  claim_not_text: "identity",
} as const satisfies Record<RuleName, CheckName>;

export interface Check {
  readonly name: CheckName;
  readonly outcome: "passed" | "failed" | "not reached";
  /** What was found, in words; may be empty for a check that was not reached. */
  readonly text: string;
}

export interface Explanation {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

export interface ExplainOptions {
  readonly ring: KeyRing;
  readonly policy: VerifierPolicy;
  readonly crypto: JwtCrypto;
  readonly nowMs: number;
  /** How a key is told to the operator; its name unless given. Never the key itself. */
  readonly keyText?: (key: VerificationKey) => string;
}

/**
 * What the verifier thinks of a token, check by check. The verdict is the verifier's own, and which check failed follows
 * from its rule: nothing here decides anything. What is told of checks that were not reached is what the token says.
 */
export function explainToken(token: string, options: ExplainOptions): Explanation {
  const { ring, policy, crypto, nowMs } = options;
  const verdict = createVerifier({ ring: () => ring, crypto, clock: { nowMs: () => nowMs }, policy }).verify(
    token,
  );
  const names = policy.issuers.length > 1 ? CHECKS_OF_MANY : CHECKS;
  const failed = verdict.accepted ? null : checkOf(verdict.detail);
  const failedAt = failed === null ? names.length : names.indexOf(failed);
  const facts = factsOf({ token, parts: partsOf(token, options), options, verdict });
  const checks = names.map((name, index): Check => {
    const fact = facts[name];
    if (index < failedAt) return { name, outcome: "passed", text: fact };
    if (index > failedAt) return { name, outcome: "not reached", text: fact };
    const detail = verdict.accepted ? "" : verdict.detail;
    return { name, outcome: "failed", text: fact === "" ? detail : `${detail}: ${fact}` };
  });
  return { verdict, checks };
}

function checkOf(detail: string): CheckName {
  for (const [name, rule] of Object.entries(RULES)) {
    // The keys of RULES are the names of rules; Object.entries forgets it.
    if (rule.detail === detail) return CHECK_OF_RULE[name as RuleName];
  }
  throw new Error("the verifier refused a token by a rule that is not in RULES");
}

/** As much of a token as can be read, verified or not. */
export interface TokenParts {
  readonly compact: CompactToken | null;
  readonly claims: Claims | null;
  readonly policy: IssuerPolicy | null;
}

const NO_PARTS: TokenParts = { compact: null, claims: null, policy: null };

function partsOf(token: string, { crypto, policy }: ExplainOptions): TokenParts {
  const compact = new CompactVerifier({ crypto, maxTokenBytes: policy.maxTokenBytes }).parse(token);
  if ("reason" in compact) return NO_PARTS;
  const claims = claimsIn(compact.payloadSegment);
  const policies = policiesByIssuer(policy.issuers);
  const chosen =
    policies.size === 1 ? policy.issuers[0] : claims === null ? undefined : policyFor(policies, claims);
  return { compact, claims, policy: chosen ?? null };
}

function claimsIn(segment: string): Claims | null {
  const bytes = new Uint8Array(base64urlByteLength(segment.length));
  const length = decodeBase64url(segment, 0, segment.length, bytes);
  const text = length < 0 ? null : decodeUtf8(bytes, 0, length);
  const claims = text === null ? "not_utf8" : parseStrictObject(text, LIMITS.maxJsonDepth);
  return typeof claims === "string" ? null : claims;
}
