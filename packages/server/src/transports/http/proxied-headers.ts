import type { StateMap } from "@hawser/core/rpc/backend";

export interface ProxiedHeadersOptions {
  /** Lower-case names of the headers that the application gets. */
  readonly names: readonly string[];
  /** Names of the cookies it gets; empty for all of them. */
  readonly cookies: readonly string[];
}

/** Carries the verified claims to the application; a client must not be able to write it. */
export const JWT_IDENTITY_HEADER = "x-jwt-identity";

/** The headers that the application is told of, and `REMOTE_ADDR` (anycable server/headers_extractor.go@1.6.16). */
export function proxiedHeaders(
  options: ProxiedHeadersOptions,
  headers: Headers,
  peerAddress: string,
  token: { readonly header: string; readonly value: string } | null,
): StateMap {
  const proxied: Record<string, string> = {};
  for (const name of options.names) {
    if (name === JWT_IDENTITY_HEADER) continue;
    const value = headers.get(name);
    if (value === null || value === "") continue;
    const kept = name === "cookie" ? filterCookies(value, options.cookies) : value;
    if (kept !== "") proxied[name] = kept;
  }
  if (token !== null) proxied[token.header] = token.value;
  proxied.REMOTE_ADDR = peerAddress;
  return proxied;
}

/**
 * The named cookies, each as `name=value;`.
 *
 * DEVIATION: D15. The reference keeps the first cookie only, and none whose value has a `=` in it.
 */
export function filterCookies(header: string, names: readonly string[]): string {
  if (names.length === 0) return header;
  let kept = "";
  for (const part of header.split(";")) {
    const pair = part.trim();
    const equals = pair.indexOf("=");
    if (equals > 0 && names.includes(pair.slice(0, equals))) kept += `${pair};`;
  }
  return kept;
}
