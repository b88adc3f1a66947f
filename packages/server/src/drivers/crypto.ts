import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import {
  ALGORITHMS,
  type Algorithm,
  type CurveName,
  type HashName,
  type HmacAlgorithm,
} from "@hawser/core/jwt/algorithms";
import { type JwtCrypto, type PublicKeyFacts, type PublicKeyReader, suits } from "@hawser/core/jwt/crypto";
import {
  isOfFamily,
  type KeyMaterial,
  type PublicMaterial,
  type SecretMaterial,
  type SigningMaterial,
} from "@hawser/core/jwt/key-material";
import { HmacChecker, type HmacKey, hmacKey } from "./hmac.ts";

/** Signatures by `node:crypto`, and HMACs, of which there are most, by the runtime's own digests. */
export function createNodeCrypto(): JwtCrypto & PublicKeyReader {
  return new NodeCrypto();
}

/** HMAC-SHA256 of `message` under the UTF-8 bytes of `key`, as 64 lower-case hex digits. */
export function hmacHex(key: string, message: string): string {
  return createHmac("sha256", key).update(message, "utf8").digest("hex");
}

/** A key is imported once: each time costs a fifth of an HMAC, and for a public key twenty of them. */
interface Imported {
  readonly key: KeyObject;
  /** Null for a secret. */
  readonly facts: PublicKeyFacts | null;
}

/** What HMACs by one hash are checked with. */
interface Hmac {
  readonly checker: HmacChecker;
  readonly keys: WeakMap<SecretMaterial, HmacKey>;
}

class NodeCrypto implements JwtCrypto, PublicKeyReader {
  /** Null for material that is no key. */
  readonly #keys = new WeakMap<KeyMaterial | SigningMaterial, Imported | null>();
  readonly #hmacs: Readonly<Record<HashName, Hmac>> = {
    sha256: { checker: new HmacChecker(ALGORITHMS.HS256), keys: new WeakMap() },
    sha384: { checker: new HmacChecker(ALGORITHMS.HS384), keys: new WeakMap() },
    sha512: { checker: new HmacChecker(ALGORITHMS.HS512), keys: new WeakMap() },
  };

  verify(algorithm: Algorithm, material: KeyMaterial, signingInput: string, signature: string): boolean {
    if (algorithm.family === "hmac") {
      return (
        material.kind === "secret" && this.#verifyHmac(algorithm.hash, material, signingInput, signature)
      );
    }
    const imported = material.kind === "public" ? this.#import(material) : null;
    if (imported === null || !suits(algorithm, imported.facts)) return false;
    const { key } = imported;
    const data = Buffer.from(signingInput, "latin1");
    return verify(hashOf(algorithm), data, how(algorithm, key), Buffer.from(signature, "base64url"));
  }

  sign(algorithm: Algorithm, material: SigningMaterial, signingInput: string): string {
    const imported = isOfFamily(material, algorithm.family) ? this.#import(material) : null;
    if (imported === null || !suits(algorithm, imported.facts)) {
      throw new Error(`a ${material.kind} key that is not for ${algorithm.name} was asked to sign with it`);
    }
    const { key } = imported;
    if (algorithm.family === "hmac") return hmac(algorithm, key, signingInput);
    const data = Buffer.from(signingInput, "latin1");
    return sign(hashOf(algorithm), data, how(algorithm, key)).toString("base64url");
  }

  readPublicKey(material: PublicMaterial): PublicKeyFacts | null {
    return this.#import(material)?.facts ?? null;
  }

  #verifyHmac(hash: HashName, secret: SecretMaterial, signingInput: string, signature: string): boolean {
    const { checker, keys } = this.#hmacs[hash];
    let key = keys.get(secret);
    if (key === undefined) {
      key = hmacKey(hash, secret.reveal());
      keys.set(secret, key);
    }
    return checker.isRight(key, signingInput, signature);
  }

  #import(material: KeyMaterial | SigningMaterial): Imported | null {
    const known = this.#keys.get(material);
    if (known !== undefined) return known;
    let imported: Imported | null;
    try {
      const key = keyObject(material);
      imported = { key, facts: factsOf(key) };
    } catch {
      imported = null;
    }
    this.#keys.set(material, imported);
    return imported;
  }
}

function keyObject(material: KeyMaterial | SigningMaterial): KeyObject {
  switch (material.kind) {
    case "secret":
      return createSecretKey(material.reveal());
    case "private":
      return createPrivateKey({ key: material.reveal(), format: "jwk" });
    case "public":
      return material.form.format === "jwk"
        ? createPublicKey({ key: { ...material.form.jwk }, format: "jwk" })
        : createPublicKey({ key: material.form.pem, format: "pem", type: "spki" });
  }
}

function hmac(algorithm: HmacAlgorithm, key: KeyObject, signingInput: string): string {
  // The input is ASCII; "latin1" saves the runtime a look for characters that are not.
  return createHmac(algorithm.hash, key).update(signingInput, "latin1").digest("base64url");
}

/** The hash is part of EdDSA itself (RFC 8032). */
function hashOf(algorithm: Algorithm): HashName | null {
  return algorithm.family === "eddsa" ? null : algorithm.hash;
}

type How = {
  readonly key: KeyObject;
  readonly dsaEncoding?: "ieee-p1363";
  readonly padding?: number;
  readonly saltLength?: number;
};

function how(algorithm: Algorithm, key: KeyObject): How {
  switch (algorithm.family) {
    case "ecdsa":
      // RFC 7518 3.4: R and S side by side, not in DER.
      return { key, dsaEncoding: "ieee-p1363" };
    case "rsa":
      return { key, padding: constants.RSA_PKCS1_PADDING };
    case "rsa-pss":
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltBytes };
    default:
      return { key };
  }
}

/** OpenSSL's names of the curves. */
const CURVES: ReadonlyMap<string, CurveName> = new Map([
  ["prime256v1", "P-256"],
  ["secp384r1", "P-384"],
  ["secp521r1", "P-521"],
]);

function factsOf(key: KeyObject): PublicKeyFacts | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ed25519") return { kty: "OKP", curve: "Ed25519", point: pointOf(key) };
  if (type === "ed448") return { kty: "OKP", curve: "Ed448", point: pointOf(key) };
  if (type === "ec") {
    const curve = CURVES.get(details?.namedCurve ?? "");
    return curve === undefined ? null : { kty: "EC", curve };
  }
  const { publicExponent: exponent } = details ?? {};
  if (type !== "rsa" || exponent === undefined) return null;
  return { kty: "RSA", modulus: modulusOf(key), exponent };
}

function modulusOf(key: KeyObject): bigint {
  const { n = "" } = key.export({ format: "jwk" });
  return BigInt(`0x0${Buffer.from(n, "base64url").toString("hex")}`);
}

function pointOf(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
}

/** For whoever needs no state of its own. */
export const nodeCrypto: JwtCrypto & PublicKeyReader = createNodeCrypto();
