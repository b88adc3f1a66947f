import { encodeBase64url } from "../wire/base64url.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS, type Algorithm, type AlgorithmName } from "./algorithms.ts";
import type { JwtCrypto } from "./crypto.ts";
import { type SigningMaterial, secretFromText } from "./key-material.ts";

export interface SignOptions {
  /** The claims, or the payload's JSON text, which is signed as it stands. */
  readonly claims: Readonly<Record<string, unknown>> | string;
  /** A secret's text (its UTF-8 bytes are the key), or a key made before: one of the algorithm's family. */
  readonly secret: string | SigningMaterial;
  /** HS256 unless given. */
  readonly algorithm?: AlgorithmName;
  readonly kid?: string;
}

/**
 * Makes a signed token. The header is `{"alg":...}` and, if given, `kid`, as AnyCable's SDKs write it.
 *
 * @throws CableError `config_invalid` for an empty secret.
 * @throws Error when `exp`, `nbf` or `iat` is given and is not a finite number: such a token would be refused everywhere.
 */
export function signToken(options: SignOptions, crypto: JwtCrypto): string {
  const { claims, secret, kid, algorithm: name = "HS256" } = options;
  const algorithm = ALGORITHMS[name];
  const material = typeof secret === "string" ? secretFromText(secret) : secret;
  const payload = typeof claims === "string" ? claims : payloadOf(claims);
  const header = JSON.stringify(kid === undefined ? { alg: name } : { alg: name, kid });
  return signCompact({ header, payload: encodeUtf8(payload), material, algorithm }, crypto);
}

export interface CompactParts {
  /** The header's JSON text; nothing checks that it says `algorithm`. */
  readonly header: string;
  /** Any bytes. */
  readonly payload: Uint8Array;
  readonly material: SigningMaterial;
  readonly algorithm: Algorithm;
}

/** The signature layer by itself: JWS compact serialization (RFC 7515 5.1) of a header and payload as they are given. */
export function signCompact(parts: CompactParts, crypto: JwtCrypto): string {
  const signingInput = `${encodeBase64url(encodeUtf8(parts.header))}.${encodeBase64url(parts.payload)}`;
  return `${signingInput}.${crypto.sign(parts.algorithm, parts.material, signingInput)}`;
}

function payloadOf(claims: Readonly<Record<string, unknown>>): string {
  for (const name of ["exp", "nbf", "iat"]) {
    const value = claims[name];
    // JSON.stringify would write null for NaN without a word.
    if (value !== undefined && !Number.isFinite(value)) {
      throw new Error(
        `Cannot sign a token: its \`${name}\` is not a finite number. Give seconds since the epoch, or leave it out.`,
      );
    }
  }
  return JSON.stringify(claims);
}
