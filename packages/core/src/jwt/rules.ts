import type { AuthReason } from "../reasons.ts";
import type { JsonProblem } from "../wire/strict-json.ts";

/** One thing that a token can be refused for. Several rules share a reason; `detail` tells them apart in the log. */
export interface Rule {
  readonly reason: AuthReason;
  /** In words for the operator. A constant: no part of any token ever gets into it. */
  readonly detail: string;
}

/** Every rule of the verifier, by name. Tests hold each refusal that other libraries do not share against this list. */
export const RULES = {
  token_too_large: { reason: "too_large", detail: "the token is longer than the limit on tokens" },
  header_too_large: { reason: "too_large", detail: "the token's header is longer than the limit on headers" },

  // DEVIATION: D4. The reference's decoder takes stray bits in the last character of a segment.
  not_canonical: {
    reason: "malformed",
    detail:
      "a segment of the token is not canonical base64url: wrong length, or stray bits in its last character",
  },
  not_three_segments: { reason: "malformed", detail: "the token does not have three segments" },
  encrypted: {
    reason: "malformed",
    detail: "the token has five segments: it is encrypted (JWE), not signed",
  },
  foreign_character: {
    reason: "malformed",
    detail: "the token has a character that is neither base64url nor a dot",
  },
  bearer_prefix: { reason: "malformed", detail: "the token starts with `Bearer `: send the token alone" },
  padding: { reason: "malformed", detail: "the token has `=` in it: base64url in a JWT has no padding" },

  // DEVIATION: D4. The reference takes duplicate members, numbers like 1e999, and any depth.
  header_not_utf8: { reason: "malformed", detail: "the token's header is not UTF-8" },
  header_not_json: { reason: "malformed", detail: "the token's header is not JSON" },
  header_not_object: { reason: "malformed", detail: "the token's header is not a JSON object" },
  header_too_deep: { reason: "malformed", detail: "the token's header is nested too deeply" },
  header_duplicate_member: { reason: "malformed", detail: "the token's header has a member twice" },
  header_not_finite: { reason: "malformed", detail: "the token's header has a number out of range" },
  payload_not_utf8: { reason: "malformed", detail: "the token's payload is not UTF-8" },
  payload_not_json: { reason: "malformed", detail: "the token's payload is not JSON" },
  payload_not_object: { reason: "malformed", detail: "the token's payload is not a JSON object" },
  payload_too_deep: { reason: "malformed", detail: "the token's payload is nested too deeply" },
  payload_duplicate_member: { reason: "malformed", detail: "the token's payload has a member twice" },
  payload_not_finite: { reason: "malformed", detail: "the token's payload has a number out of range" },

  // DEVIATION: D4. The reference ignores `crit`, and with it whatever the issuer insists on (RFC 7515 4.1.11).
  crit: { reason: "malformed", detail: "the token's header has `crit`, and no extension is understood here" },
  b64: { reason: "malformed", detail: "the token's header has `b64`, which RFC 7797 7 forbids in a JWT" },
  zip: { reason: "malformed", detail: "the token's header has `zip`: compressed tokens are not read" },
  kid_invalid: { reason: "malformed", detail: "the token's `kid` is not a string, or too long" },
  alg_invalid: {
    reason: "malformed",
    detail: "the token's header has no `alg`, or one that is not a string",
  },

  alg_unknown: { reason: "alg_not_allowed", detail: "the token's `alg` is not one that is known here" },
  alg_without_key: { reason: "alg_not_allowed", detail: "no key is bound to the token's `alg`" },
  alg_not_of_key: {
    reason: "alg_not_allowed",
    detail: "the key that `kid` names is not for the token's `alg`",
  },
  kid_unknown: { reason: "unknown_key", detail: "no key has the token's `kid`" },
  bad_signature: { reason: "bad_signature", detail: "the signature was not made with any key known here" },
  key_not_yet: { reason: "unknown_key", detail: "the key that signed the token is not in use yet" },
  key_retired: { reason: "key_retired", detail: "the token was signed with a retired key" },
  key_revoked: { reason: "key_revoked", detail: "the token was signed with a revoked key" },

  exp_not_number: { reason: "malformed", detail: "`exp` is not a number" },
  nbf_not_number: { reason: "malformed", detail: "`nbf` is not a number" },
  iat_not_number: { reason: "malformed", detail: "`iat` is not a number" },
  expired: { reason: "expired", detail: "the token has expired" },
  end_not_number: {
    reason: "malformed",
    detail: "the claim that `jwt_expire_claim` names is not a number",
  },
  ended: {
    reason: "expired",
    detail: "the time has passed that the claim of `jwt_expire_claim` names",
  },
  not_yet_valid: { reason: "not_yet_valid", detail: "the token is not valid yet: `nbf` lies in the future" },
  exp_missing: { reason: "exp_missing", detail: "the token has no `exp`, and tokens must expire here" },
  lifetime_too_long: { reason: "lifetime_too_long", detail: "the token lives longer than allowed here" },

  issuer_unknown: { reason: "issuer", detail: "the token's `iss` is not an issuer that is known here" },
  issuer_other: {
    reason: "issuer",
    detail: "the token's `iss` is not the issuer whose tokens are taken here",
  },
  audience_other: { reason: "audience", detail: "the token's `aud` is missing or names somebody else" },
  use_other: {
    reason: "type",
    detail: "the token was issued for another use than connecting, as an ID or refresh token is",
  },
  type_other: { reason: "type", detail: "the token's `typ` is not the type of tokens that are taken here" },

  // DEVIATION: D3. The reference closes 1011 without a message for these two.
  ext_missing: { reason: "ext_missing", detail: "the token has no `ext`, the claim with the identifiers" },
  ext_not_string: {
    reason: "ext_not_string",
    detail: "`ext` is not a string: it holds the identifiers as JSON text",
  },
  ext_not_text: {
    reason: "malformed",
    detail: "`ext` holds half of a surrogate pair, which no UTF-8 text can carry",
  },
  claim_missing: {
    reason: "ext_missing",
    detail: "the token lacks a claim that the template of identifiers names",
  },
  claim_not_plain: {
    reason: "ext_not_string",
    detail: "a claim that the template of identifiers names is an object or an array",
  },
  claim_not_exact: {
    reason: "ext_not_string",
    detail:
      "a claim that the template of identifiers names is a number that is not whole, or too large to be exact",
  },
  claim_not_text: {
    reason: "malformed",
    detail: "a claim that the template of identifiers names holds half of a surrogate pair",
  },
} as const satisfies Record<string, Rule>;

export type RuleName = keyof typeof RULES;

export const HEADER_RULES = {
  not_json: RULES.header_not_json,
  not_object: RULES.header_not_object,
  too_deep: RULES.header_too_deep,
  duplicate_member: RULES.header_duplicate_member,
  not_finite: RULES.header_not_finite,
} as const satisfies Record<JsonProblem, Rule>;

export type PayloadProblem = JsonProblem | "not_utf8";

export const PAYLOAD_RULES = {
  not_utf8: RULES.payload_not_utf8,
  not_json: RULES.payload_not_json,
  not_object: RULES.payload_not_object,
  too_deep: RULES.payload_too_deep,
  duplicate_member: RULES.payload_duplicate_member,
  not_finite: RULES.payload_not_finite,
} as const satisfies Record<PayloadProblem, Rule>;
