import type { Algorithm, CurveName } from "./algorithms.ts";
import type { KeyMaterial, PublicMaterial, SigningMaterial } from "./key-material.ts";

/**
 * PORT: the cryptography that tokens need. Synchronous, because a promise costs more than an HMAC does and a connection
 * cannot go on without the answer.
 */
export interface JwtCrypto {
  /**
   * Whether `signature` is the one that `material` gives for `signingInput`, found in a time that does not depend on where
   * they differ. False too when the material is not of the algorithm's family.
   *
   * @param signingInput ASCII: the header and payload segments with the dot between them.
   * @param signature canonical base64url, of `algorithm.signatureCharacters` where that is fixed; the caller has checked.
   */
  verify(algorithm: Algorithm, material: KeyMaterial, signingInput: string, signature: string): boolean;

  /**
   * The signature of `signingInput` (ASCII), in base64url without padding.
   *
   * @throws Error when the material is not of the algorithm's family.
   */
  sign(algorithm: Algorithm, material: SigningMaterial, signingInput: string): string;
}

/** What a public key turns out to be when it is read. */
export type PublicKeyFacts =
  | { readonly kty: "RSA"; readonly modulus: bigint; readonly exponent: bigint }
  | { readonly kty: "EC"; readonly curve: CurveName }
  | {
      readonly kty: "OKP";
      readonly curve: CurveName;
      /** As it is encoded; nobody has looked at it. */
      readonly point: Uint8Array;
    };

/** PORT: reads public keys. */
export interface PublicKeyReader {
  /** Null when there is no such key: damaged, a point that is not on its curve, or a kind that is not supported. */
  readPublicKey(material: PublicMaterial): PublicKeyFacts | null;
}

/** Whether a key with these facts, or a secret, which has none, is one for the algorithm. */
export function suits(algorithm: Algorithm, facts: PublicKeyFacts | null): boolean {
  switch (algorithm.family) {
    case "hmac":
      return facts === null;
    case "ecdsa":
      return facts?.kty === "EC" && facts.curve === algorithm.curve;
    case "eddsa":
      return facts?.kty === "OKP";
    default:
      return facts?.kty === "RSA";
  }
}
