import { timingSafeEqual } from "node:crypto";
import type { HashName, HmacAlgorithm } from "@hawser/core/jwt/algorithms";

/** Digests in one call, into memory that is there already. */
type Digest = (input: Uint8Array, into: Uint8Array) => unknown;

const DIGESTS: Readonly<Record<HashName, Digest>> = {
  sha256: (input, into) => Bun.SHA256.hash(input, into),
  sha384: (input, into) => Bun.SHA384.hash(input, into),
  sha512: (input, into) => Bun.SHA512.hash(input, into),
};

/** FIPS 180-4: bytes of a block. */
const BLOCK_BYTES: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 128, sha512: 128 };

/** RFC 2104 2. */
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** A secret as HMAC uses it with one hash: mixed into a block for each of the two rounds. */
export interface HmacKey {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

export function hmacKey(hash: HashName, secret: Uint8Array): HmacKey {
  const inner = new Uint8Array(BLOCK_BYTES[hash]);
  if (secret.length > inner.length) DIGESTS[hash](secret, inner);
  else inner.set(secret);
  const outer = inner.map((byte) => byte ^ OUTER_PAD);
  return { inner: inner.map((byte) => byte ^ INNER_PAD), outer };
}

/**
 * Checks HMACs of texts against keys, one after the other, by digests that allocate nothing: `createHmac` makes an object
 * each time and costs twice as much. A text and a signature that come again, with the next key, are not decoded again.
 */
export class HmacChecker {
  readonly #digest: Digest;
  readonly #blockBytes: number;
  readonly #digestBytes: number;
  /** The key's inner block, and behind it the text. */
  #inner: Buffer;
  /** As much of it as is filled. */
  #message: Uint8Array;
  /** The key's outer block, and behind it the digest of the above. */
  readonly #outer: Buffer;
  readonly #innerDigest: Uint8Array;
  readonly #expected: Buffer;
  readonly #given: Buffer;
  #text = "";
  #signature = "";
  #decoded = false;

  constructor({ hash, signatureBytes }: HmacAlgorithm) {
    this.#digest = DIGESTS[hash];
    this.#blockBytes = BLOCK_BYTES[hash];
    this.#digestBytes = signatureBytes;
    this.#inner = Buffer.alloc(this.#blockBytes + 1024);
    this.#message = this.#inner.subarray(0, this.#blockBytes);
    this.#outer = Buffer.alloc(this.#blockBytes + signatureBytes);
    this.#innerDigest = this.#outer.subarray(this.#blockBytes);
    this.#expected = Buffer.alloc(signatureBytes);
    this.#given = Buffer.alloc(signatureBytes);
  }

  /**
   * @param text ASCII.
   * @param signature base64url of as many bytes as the hash has; anything else is wrong.
   */
  isRight(key: HmacKey, text: string, signature: string): boolean {
    if (text !== this.#text) this.#take(text);
    if (signature !== this.#signature) this.#decode(signature);
    if (!this.#decoded) return false;
    this.#inner.set(key.inner);
    this.#outer.set(key.outer);
    this.#digest(this.#message, this.#innerDigest);
    this.#digest(this.#outer, this.#expected);
    return timingSafeEqual(this.#given, this.#expected);
  }

  #take(text: string): void {
    const length = this.#blockBytes + text.length;
    if (length > this.#inner.length) this.#inner = Buffer.alloc(length * 2);
    this.#inner.write(text, this.#blockBytes, "latin1");
    this.#message = this.#inner.subarray(0, length);
    this.#text = text;
  }

  #decode(signature: string): void {
    // `write` takes what fits and what it can read: of a longer signature the head, of a broken one less than all, beside
    // what was there before. Callers check; that nobody gets in because one forgot is checked here.
    const characters = Math.ceil((this.#digestBytes * 4) / 3);
    this.#decoded =
      signature.length === characters && this.#given.write(signature, "base64url") === this.#digestBytes;
    this.#signature = signature;
  }
}
