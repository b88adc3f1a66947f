import { CableError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { memberOf, parseStrictObject } from "../../wire/strict-json.ts";

/** OpenID Connect Discovery 1.0, 4: where an issuer says where its keys are. */
export function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}

/**
 * The URL of the keys in an issuer's discovery document.
 *
 * @param isAllowed whether keys may be fetched from a URL.
 * @throws CableError `config_invalid` when it has none, or is about another issuer (OpenID Connect Discovery 1.0, 4.3).
 */
export function keysUrlIn(document: string, issuer: string, isAllowed: (url: string) => boolean): string {
  const found = parseStrictObject(document, LIMITS.maxJsonDepth);
  if (typeof found === "string") throw unusable(issuer, "it is not a JSON object");
  if (memberOf(found, "issuer") !== issuer) {
    throw unusable(issuer, "it is about another issuer; give the issuer exactly as its document has it");
  }
  const url = memberOf(found, "jwks_uri");
  if (typeof url !== "string" || !isAllowed(url)) {
    throw unusable(issuer, "its jwks_uri is no https URL");
  }
  return url;
}

function unusable(issuer: string, why: string): CableError {
  return new CableError("config_invalid", `Cannot use the discovery document of ${issuer}: ${why}.`);
}
