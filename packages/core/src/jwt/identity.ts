import { memberOf } from "../wire/strict-json.ts";
import type { Claims } from "./claims.ts";
import { RULES, type Rule } from "./rules.ts";

/** Tells from verified claims who the bearer is: the connection's identifiers, or why there are none. */
export type Identify = (claims: Claims) => string | Rule;

/**
 * Who the token's bearer is: the claim `ext`, a string that is passed on exactly as the application wrote it and never
 * parsed here. It may be empty (anycable identity/jwt.go@1.6.16).
 */
export function identityOf(claims: Claims): string | Rule {
  const ext = memberOf(claims, "ext");
  if (ext === undefined) return RULES.ext_missing;
  if (typeof ext !== "string") return RULES.ext_not_string;
  // Every such identity would reach the application as the same U+FFFD.
  return ext.isWellFormed() ? ext : RULES.ext_not_text;
}
