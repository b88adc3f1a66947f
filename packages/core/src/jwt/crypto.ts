import type { Algorithm } from "./algorithms.ts";
import type { KeyMaterial } from "./key-material.ts";

/**
 * PORT: the cryptography that tokens need. Synchronous, because a promise costs more than an HMAC does and a connection
 * cannot go on without the answer.
 */
export interface JwtCrypto {
  /**
   * Whether `signature` is the one that `material` gives for `signingInput`, found in a time that does not depend on where
   * they differ.
   *
   * @param signingInput ASCII: the header and payload segments with the dot between them.
   * @param signature canonical base64url of `algorithm.signatureBytes` bytes; the caller has checked.
   */
  verify(algorithm: Algorithm, material: KeyMaterial, signingInput: string, signature: string): boolean;

  /** The signature of `signingInput` (ASCII), in base64url without padding. */
  sign(algorithm: Algorithm, material: KeyMaterial, signingInput: string): string;
}
