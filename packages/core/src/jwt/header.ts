import { LIMITS } from "../limits.ts";
import { base64urlByteLength, decodeBase64url, encodeBase64url } from "../wire/base64url.ts";
import { type JsonObject, type JsonValue, memberOf, parseStrictObject } from "../wire/strict-json.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type Algorithm, algorithmNamed } from "./algorithms.ts";
import { HEADER_RULES, RULES, type Rule } from "./rules.ts";

/** What a verifier takes from a JOSE header. `cty` and every embedded or linked key are not looked at. */
export interface TokenHeader {
  readonly algorithm: Algorithm;
  readonly kid: string | null;
  /** In lower case and without `application/` (RFC 7515 4.1.9); null when absent or not a string. */
  readonly typ: string | null;
}

/**
 * Reads a JOSE header (RFC 7515 4), given its segment in base64url.
 *
 * `jku`, `jwk`, `x5u` and `x5c` are ignored: a key that arrives with the token proves nothing (RFC 8725 3.10).
 */
export function readHeader(segment: string): TokenHeader | Rule {
  const byteLength = base64urlByteLength(segment.length);
  if (byteLength > LIMITS.maxTokenHeaderBytes) return RULES.header_too_large;
  const bytes = new Uint8Array(byteLength);
  const length = decodeBase64url(segment, 0, segment.length, bytes);
  if (length < 0) return RULES.not_canonical;
  const text = decodeUtf8(bytes, 0, length);
  if (text === null) return RULES.header_not_utf8;
  const header = parseStrictObject(text, LIMITS.maxJsonDepth);
  return typeof header === "string" ? HEADER_RULES[header] : judgeHeader(header);
}

function judgeHeader(header: JsonObject): TokenHeader | Rule {
  if (Object.hasOwn(header, "crit")) return RULES.crit;
  if (Object.hasOwn(header, "b64")) return RULES.b64;
  if (Object.hasOwn(header, "zip")) return RULES.zip;
  const kid = memberOf(header, "kid");
  if (kid !== undefined && (typeof kid !== "string" || kid.length > LIMITS.maxKidLength)) {
    return RULES.kid_invalid;
  }
  const name = memberOf(header, "alg");
  if (typeof name !== "string") return RULES.alg_invalid;
  const algorithm = algorithmNamed(name);
  if (algorithm === undefined) return RULES.alg_unknown;
  return { algorithm, kid: kid ?? null, typ: mediaType(memberOf(header, "typ")) };
}

/** A media type as headers and options are compared: case does not count, and `application/` goes without saying. */
export function mediaType(typ: JsonValue | undefined): string | null {
  if (typeof typ !== "string") return null;
  return typ.toLowerCase().replace(/^application\/(?=[^/]*$)/, "");
}

/** Longer header segments are read anew each time. */
const MAX_KEPT_CHARACTERS = 256;
const MAX_KEPT_HEADERS = 32;

/**
 * Remembers the headers read so far: an issuer writes the same one into every token. Under Bun it takes 0.06 us to find
 * one and 0.8 us to read one, of some 3 us for a whole verification.
 */
export class HeaderCache {
  readonly #headers = new Map<string, TokenHeader>();

  read(segment: string): TokenHeader | Rule {
    const known = this.#headers.get(segment);
    if (known !== undefined) return known;
    const header = readHeader(segment);
    if (!("reason" in header) && segment.length <= MAX_KEPT_CHARACTERS) this.#keep(segment, header);
    return header;
  }

  #keep(segment: string, header: TokenHeader): void {
    // Headers differ by `kid`, which whoever connects may choose: start over instead of growing.
    if (this.#headers.size >= MAX_KEPT_HEADERS) this.#headers.clear();
    this.#headers.set(unshared(segment), header);
  }
}

/** The same text with memory of its own. A slice would keep the whole token alive. */
function unshared(segment: string): string {
  const bytes = new Uint8Array(base64urlByteLength(segment.length));
  decodeBase64url(segment, 0, segment.length, bytes);
  return encodeBase64url(bytes);
}
