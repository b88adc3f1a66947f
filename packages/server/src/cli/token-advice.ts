import type { AuthReason } from "@hawser/core/reasons";

/** What whoever reads why a token was refused is to do about it: the README's table, a line each. */
export const TOKEN_ADVICE = {
  missing: "send one",
  malformed: "send the bare token, as it was issued",
  too_large: "put less in it, or raise --jwt_max_token_bytes",
  alg_not_allowed: "sign with an algorithm that there is a key for, or add it to --jwt_algorithms",
  unknown_key: "sign with a key of this server, or give it that one; hawser keys list has them",
  bad_signature:
    "compare the fingerprint with what hawser keys fingerprint says of the application's secret, and give both the same",
  expired: "let the client fetch another; if it is fresh, compare the clocks",
  not_yet_valid: "compare the clocks, or set --jwt_leeway",
  lifetime_too_long: "issue shorter ones, or raise --jwt_max_lifetime",
  exp_missing: "issue it with exp",
  ext_missing: "put the identifiers into ext, or name the claims that have them in --jwt_identifiers",
  ext_not_string: "encode the identifiers as JSON text first",
  key_retired: "let the client fetch another",
  key_revoked: "sign with another key",
  issuer: "compare iss and --jwt_issuer to the letter, slash at the end included",
  audience: "let the issuer put one of --jwt_audience into aud",
  type: "send the access token, or correct --jwt_type",
  revoked: "issue another",
} as const satisfies Record<AuthReason, string>;
