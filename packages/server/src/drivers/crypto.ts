import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { Algorithm } from "@hawser/core/jwt/algorithms";
import type { JwtCrypto } from "@hawser/core/jwt/crypto";
import type { KeyMaterial } from "@hawser/core/jwt/key-material";

/** HMAC by `node:crypto`: the same text works under Node, Bun and Deno. */
export function createNodeCrypto(): JwtCrypto {
  return new NodeCrypto();
}

/** HMAC-SHA256 of `message` under the UTF-8 bytes of `key`, as 64 lower-case hex digits. */
export function hmacHex(key: string, message: string): string {
  return createHmac("sha256", key).update(message, "utf8").digest("hex");
}

/** Two arrays of a digest's length: `timingSafeEqual` wants whole arrays, and allocating them costs more than it does. */
interface Pair {
  readonly given: Buffer;
  readonly expected: Buffer;
}

class NodeCrypto implements JwtCrypto {
  /** A key is imported once; doing it each time costs a fifth of an HMAC. */
  readonly #keys = new WeakMap<KeyMaterial, KeyObject>();
  readonly #pairs: Readonly<Record<Algorithm["hash"], Pair>> = {
    sha256: pairOf(32),
    sha384: pairOf(48),
    sha512: pairOf(64),
  };

  verify(algorithm: Algorithm, material: KeyMaterial, signingInput: string, signature: string): boolean {
    // `write` takes what fits and what it can read: of a longer signature the head, of a broken one less than all, beside
    // what was there before. Callers check; that nobody gets in because one forgot is checked here.
    if (signature.length !== algorithm.signatureCharacters) return false;
    const { given, expected } = this.#pairs[algorithm.hash];
    if (given.write(signature, "base64url") !== given.length) return false;
    expected.write(this.sign(algorithm, material, signingInput), "base64url");
    return timingSafeEqual(given, expected);
  }

  sign(algorithm: Algorithm, material: KeyMaterial, signingInput: string): string {
    // The input is ASCII; "latin1" saves the runtime a look for characters that are not.
    return createHmac(algorithm.hash, this.#keyOf(material))
      .update(signingInput, "latin1")
      .digest("base64url");
  }

  #keyOf(material: KeyMaterial): KeyObject {
    const known = this.#keys.get(material);
    if (known !== undefined) return known;
    const key = createSecretKey(material.reveal());
    this.#keys.set(material, key);
    return key;
  }
}

function pairOf(bytes: number): Pair {
  return { given: Buffer.alloc(bytes), expected: Buffer.alloc(bytes) };
}

/** For whoever needs no state of its own. */
export const nodeCrypto: JwtCrypto = createNodeCrypto();
