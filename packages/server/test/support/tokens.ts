import { createHmac } from "node:crypto";

const HASHES: Readonly<Record<string, string>> = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };

/**
 * A compact JWS made by hand, so that a test can also make one that no library would: `payload` may be any text, and an
 * `alg` that is not HMAC gets the signature of HS256.
 */
export function signToken(
  secret: string,
  payload: object | string,
  header: object | string = { alg: "HS256", typ: "JWT" },
): string {
  const encode = (part: object | string) =>
    Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
  const input = `${encode(header)}.${encode(payload)}`;
  const alg = typeof header === "object" && "alg" in header ? String(header.alg) : "HS256";
  return `${input}.${createHmac(HASHES[alg] ?? "sha256", secret)
    .update(input)
    .digest("base64url")}`;
}

/** A token that is good for an hour, for this user. */
export function goodToken(secret: string, user = "ann"): string {
  return signToken(secret, { ext: JSON.stringify({ user }), exp: inSeconds(3600) });
}

/** A NumericDate so many seconds from now; negative for the past. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}
