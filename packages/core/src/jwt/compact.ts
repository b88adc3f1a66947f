import { endOfBase64url, isCanonicalBase64url } from "../wire/base64url.ts";
import type { JwtCrypto } from "./crypto.ts";
import { HeaderCache, type TokenHeader } from "./header.ts";
import { type KeyPool, keysFor, type VerificationKey } from "./keyring.ts";
import { RULES, type Rule } from "./rules.ts";

/** A token taken apart. Nothing of it is verified yet. */
export interface CompactToken {
  readonly header: TokenHeader;
  /** Canonical base64url of the payload's bytes, whatever these are. */
  readonly payloadSegment: string;
  /** The header and payload segments with the dot between them. */
  readonly signingInput: string;
  /** Canonical base64url, of a length that the algorithm has. */
  readonly signature: string;
}

/** A token whose signature is right. Says nothing of its claims, nor of the state of the key. */
export interface SignedToken {
  readonly key: VerificationKey;
  readonly token: CompactToken;
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

  /** Size, format and header. */
  parse(token: string): CompactToken | Rule {
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
    return {
      header,
      payloadSegment: token.slice(headerEnd + 1, payloadEnd),
      signingInput: token.slice(0, payloadEnd),
      signature: token.slice(payloadEnd + 1),
    };
  }

  /** Algorithm, key and signature: the key of `pool` that signed the token. */
  signerOf(token: CompactToken, pool: KeyPool): VerificationKey | Rule {
    const { header, signingInput, signature } = token;
    const { algorithm } = header;
    const keys = keysFor(pool, algorithm, header.kid);
    if ("reason" in keys) return keys;
    const { signatureCharacters } = algorithm;
    if (signatureCharacters !== null && signature.length !== signatureCharacters) return RULES.bad_signature;
    for (const key of keys) {
      if (this.#crypto.verify(algorithm, key.material, signingInput, signature)) return key;
    }
    return RULES.bad_signature;
  }

  /** Both, for whoever knows whose token it is. */
  verify(text: string, pool: KeyPool): SignedToken | Rule {
    const token = this.parse(text);
    if ("reason" in token) return token;
    const key = this.signerOf(token, pool);
    return "reason" in key ? key : { key, token };
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
