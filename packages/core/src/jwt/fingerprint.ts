import { decodeBase64url } from "../wire/base64url.ts";
import { ALGORITHMS } from "./algorithms.ts";
import type { JwtCrypto } from "./crypto.ts";
import type { SecretMaterial } from "./key-material.ts";

/**
 * Tells two secrets apart without telling what they are: the first 8 hex digits of
 * HMAC-SHA256(secret, "hawser-fingerprint:" + purpose).
 *
 * Someone who sees it can test guesses against it, so it goes where operators look, and never to a public endpoint.
 */
export function fingerprintOf(
  secret: SecretMaterial,
  purpose: string,
  crypto: Pick<JwtCrypto, "sign">,
): string {
  const digest = new Uint8Array(3);
  const more = new Uint8Array(3);
  const text = crypto.sign(ALGORITHMS.HS256, secret, `hawser-fingerprint:${purpose}`);
  decodeBase64url(text, 0, 4, digest);
  decodeBase64url(text, 4, 8, more);
  return [...digest, more[0] ?? 0].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
