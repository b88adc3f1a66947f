import { encodeBase64url } from "../wire/base64url.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { ALGORITHMS, type AlgorithmName } from "./algorithms.ts";
import type { JwtCrypto } from "./crypto.ts";
import { type KeyMaterial, secretFromText } from "./key-material.ts";

export interface SignOptions {
  /** The claims, or the payload's JSON text, which is signed as it stands. */
  readonly claims: Readonly<Record<string, unknown>> | string;
  /** A secret's text (its UTF-8 bytes are the key), or a key made before. */
  readonly secret: string | KeyMaterial;
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
  const signingInput = `${segmentOf(header)}.${segmentOf(payload)}`;
  return `${signingInput}.${crypto.sign(algorithm, material, signingInput)}`;
}

function segmentOf(text: string): string {
  return encodeBase64url(encodeUtf8(text));
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
