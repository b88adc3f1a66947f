import { endOfBase64url, isCanonicalBase64url } from "../wire/base64url.ts";
import type { JwtCrypto } from "./crypto.ts";
import { HeaderCache, type TokenHeader } from "./header.ts";
import { type KeyRing, keysFor, type VerificationKey } from "./keyring.ts";
import { RULES, type Rule } from "./rules.ts";

/** A token whose signature is right. Says nothing of its claims, nor of the state of the key. */
export interface SignedToken {
  readonly key: VerificationKey;
  readonly header: TokenHeader;
  /** Canonical base64url of the payload's bytes, whatever these are. */
  readonly payloadSegment: string;
}

export interface CompactOptions {
  readonly crypto: JwtCrypto;
  /** Longer tokens are refused before anything looks at them. */
  readonly maxTokenBytes: number;
}

/**
 * The signature layer: JWS compact serialization (RFC 7515 5.2), strictly. Its order is size, format, header,
 * algorithm, key, signature; a payload is not looked into before its signature is known to be right.
 */
export class CompactVerifier {
  readonly #crypto: JwtCrypto;
  readonly #maxTokenBytes: number;
  readonly #headers = new HeaderCache();

  constructor(options: CompactOptions) {
    this.#crypto = options.crypto;
    this.#maxTokenBytes = options.maxTokenBytes;
  }

  verify(token: string, ring: KeyRing): SignedToken | Rule {
    // Characters are bytes here: a token with any that is not ASCII is refused below.
    if (token.length > this.#maxTokenBytes) return RULES.token_too_large;
    const headerEnd = endOfBase64url(token, 0);
    const payloadEnd = endOfBase64url(token, headerEnd + 1);
    const end = endOfBase64url(token, payloadEnd + 1);
    if (end !== token.length || !isDot(token, headerEnd) || !isDot(token, payloadEnd)) {
      return whyNotCompact(token);
    }
    if (
      !isCanonicalBase64url(token, 0, headerEnd) ||
      !isCanonicalBase64url(token, headerEnd + 1, payloadEnd) ||
      !isCanonicalBase64url(token, payloadEnd + 1, end)
    ) {
      return RULES.not_canonical;
    }
    const header = this.#headers.read(token.slice(0, headerEnd));
    if ("reason" in header) return header;
    const keys = keysFor(ring, header.algorithm, header.kid);
    if ("reason" in keys) return keys;
    const key = this.#signer(header, keys, token, payloadEnd);
    if (key === null) return RULES.bad_signature;
    return { key, header, payloadSegment: token.slice(headerEnd + 1, payloadEnd) };
  }

  #signer(
    header: TokenHeader,
    keys: readonly VerificationKey[],
    token: string,
    payloadEnd: number,
  ): VerificationKey | null {
    const { algorithm } = header;
    if (token.length - payloadEnd - 1 !== algorithm.signatureCharacters) return null;
    const signingInput = token.slice(0, payloadEnd);
    const signature = token.slice(payloadEnd + 1);
    for (const key of keys) {
      if (this.#crypto.verify(algorithm, key.material, signingInput, signature)) return key;
    }
    return null;
  }
}

const DOT = 0x2e;

function isDot(token: string, at: number): boolean {
  return token.charCodeAt(at) === DOT;
}

/** Off the hot path: which of the usual mistakes it was. */
function whyNotCompact(token: string): Rule {
  if (token.startsWith("Bearer ")) return RULES.bearer_prefix;
  let dots = 0;
  for (let at = endOfBase64url(token, 0); at < token.length; at = endOfBase64url(token, at + 1)) {
    if (token[at] === "=") return RULES.padding;
    if (!isDot(token, at)) return RULES.foreign_character;
    dots++;
  }
  return dots === 4 ? RULES.encrypted : RULES.not_three_segments;
}
