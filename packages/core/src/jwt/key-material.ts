import { CableError } from "../errors.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { AlgorithmFamily, CurveName } from "./algorithms.ts";

/** What a signature is checked with. */
export type KeyMaterial = SecretMaterial | PublicMaterial;

/** What a signature is made with. */
export type SigningMaterial = SecretMaterial | PrivateMaterial;

/**
 * The bytes of a shared secret. They sit in a private field, so that no logger, inspector or JSON printer that is handed
 * a key ring shows them.
 */
export class SecretMaterial {
  readonly kind = "secret";
  readonly #bytes: Uint8Array;

  /** @throws CableError `config_invalid` for an empty secret: whoever knows that it is empty could sign. */
  constructor(bytes: Uint8Array) {
    if (bytes.length === 0) {
      throw new CableError(
        "config_invalid",
        "Cannot make a key of an empty secret: anyone could sign with it. Set a secret.",
      );
    }
    this.#bytes = bytes.slice();
  }

  /** The raw bytes, for a crypto driver and for nobody else. */
  reveal(): Uint8Array {
    return this.#bytes.slice();
  }
}

/** The members of a public JWK (RFC 7518 6.2.1 and 6.3.1, RFC 8037 2), base64url where they are numbers. */
export type PublicJwk =
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
  | { readonly kty: "EC"; readonly crv: CurveName; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: CurveName; readonly x: string };

/** A public key, as a JWK or as the text of a SubjectPublicKeyInfo in PEM. Whether it is one, a crypto driver knows. */
export interface PublicMaterial {
  readonly kind: "public";
  readonly form:
    | { readonly format: "jwk"; readonly jwk: PublicJwk }
    | { readonly format: "spki"; readonly pem: string };
}

/** The private half of a key pair; only who issues tokens has one. */
export class PrivateMaterial {
  readonly kind = "private";
  readonly #jwk: Readonly<Record<string, string>>;

  constructor(jwk: Readonly<Record<string, string>>) {
    this.#jwk = { ...jwk };
  }

  /** The JWK with its private members, for a crypto driver and for nobody else. */
  reveal(): Record<string, string> {
    return { ...this.#jwk };
  }
}

/** The key that AnyCable and its SDKs make of a secret's text: its UTF-8 bytes, whatever they look like. */
export function secretFromText(secret: string): SecretMaterial {
  return new SecretMaterial(encodeUtf8(secret));
}

/** A public key never verifies an HMAC, nor a secret anything else (RFC 8725 2.1). */
export function isOfFamily(material: KeyMaterial | SigningMaterial, family: AlgorithmFamily): boolean {
  return (material.kind === "secret") === (family === "hmac");
}
