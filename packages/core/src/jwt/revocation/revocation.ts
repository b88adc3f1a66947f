import type { Rule } from "../rules.ts";

/** What tokens are revoked by. `issued_before` is by identifiers and time; `token` is one token, by its tag. */
export type RevokedBy = "jti" | "sid" | "kid" | "identifiers" | "issued_before" | "token";

/** Tokens that are refused from now on. */
export interface Revocation {
  readonly by: RevokedBy;
  readonly value: string;
  /** For `issued_before`, in seconds since the epoch: tokens of that time or later are good. Otherwise 0. */
  readonly issuedBeforeS: number;
  /** Every token that it is about has expired by then. */
  readonly untilMs: number;
}

/** What a revoked token is refused for. Not among the verifier's own rules, since no token shows it by itself. */
export const REVOCATION_RULES = {
  jti: { reason: "revoked", detail: "the token was revoked by its `jti`" },
  sid: { reason: "revoked", detail: "the token was revoked by its `sid`" },
  kid: { reason: "revoked", detail: "every token of its key was revoked, by `kid`" },
  identifiers: { reason: "revoked", detail: "every token of these identifiers was revoked" },
  issued_before: {
    reason: "revoked",
    detail:
      "the tokens of these identifiers were revoked up to a time, and this one is older or has no `iat`",
  },
  token: { reason: "revoked", detail: "the token was revoked with the session that it was used for" },
} as const satisfies Record<RevokedBy, Rule>;

/** A token that does not say when it was issued may be an old one. */
export function isIssuedBefore(issuedAtS: number | null, timeS: number): boolean {
  return issuedAtS === null || issuedAtS < timeS;
}
