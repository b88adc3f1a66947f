export type AlgorithmName =
  | "HS256"
  | "HS384"
  | "HS512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA";

export type HashName = "sha256" | "sha384" | "sha512";

/** RFC 7518 6.2.1.1, RFC 8037 2: the name of a curve in a JWK. */
export type CurveName = "P-256" | "P-384" | "P-521" | "Ed25519" | "Ed448";

interface AnyAlgorithm {
  /** As it stands in the header; compared exactly. */
  readonly name: AlgorithmName;
  /** Length of the signature in base64url characters where it has no other; null where that depends on the key. */
  readonly signatureCharacters: number | null;
}

/** RFC 7518 3.2: a shared secret. */
export interface HmacAlgorithm extends AnyAlgorithm {
  readonly family: "hmac";
  readonly hash: HashName;
  readonly signatureCharacters: number;
  /** The same in bytes. */
  readonly signatureBytes: number;
}

/** RFC 7518 3.3 and 3.5: the signature is as long as the modulus. A PSS salt is as long as the hash. */
export interface RsaAlgorithm extends AnyAlgorithm {
  readonly family: "rsa" | "rsa-pss";
  readonly hash: HashName;
  readonly saltBytes: number;
}

/** RFC 7518 3.4: one curve each, the signature is R and S side by side. */
export interface EcdsaAlgorithm extends AnyAlgorithm {
  readonly family: "ecdsa";
  readonly hash: HashName;
  readonly curve: "P-256" | "P-384" | "P-521";
}

/** RFC 8037 3.1: the key says which curve. */
export interface EddsaAlgorithm extends AnyAlgorithm {
  readonly family: "eddsa";
}

/** Everything that the code below needs to know of one JWS `alg` (RFC 7518 3.1): nothing else names an algorithm. */
export type Algorithm = HmacAlgorithm | RsaAlgorithm | EcdsaAlgorithm | EddsaAlgorithm;

/** Which kind of key it takes. A key of another family is never tried, whatever the header says (RFC 8725 3.1). */
export type AlgorithmFamily = Algorithm["family"];

const SALT_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const;

const hmac = <N extends AlgorithmName>(name: N, hash: HashName) => {
  const signatureBytes = SALT_BYTES[hash];
  const signatureCharacters = Math.ceil((signatureBytes * 4) / 3);
  return { name, family: "hmac", hash, signatureBytes, signatureCharacters } as const;
};
const rsa = <N extends AlgorithmName>(name: N, family: "rsa" | "rsa-pss", hash: HashName) =>
  ({ name, family, hash, saltBytes: SALT_BYTES[hash], signatureCharacters: null }) as const;
const ecdsa = <N extends AlgorithmName>(
  name: N,
  hash: HashName,
  curve: EcdsaAlgorithm["curve"],
  signatureCharacters: number,
) => ({ name, family: "ecdsa", hash, curve, signatureCharacters }) as const;

export const ALGORITHMS = {
  HS256: hmac("HS256", "sha256"),
  HS384: hmac("HS384", "sha384"),
  HS512: hmac("HS512", "sha512"),
  RS256: rsa("RS256", "rsa", "sha256"),
  RS384: rsa("RS384", "rsa", "sha384"),
  RS512: rsa("RS512", "rsa", "sha512"),
  PS256: rsa("PS256", "rsa-pss", "sha256"),
  PS384: rsa("PS384", "rsa-pss", "sha384"),
  PS512: rsa("PS512", "rsa-pss", "sha512"),
  // 64, 96 and 132 bytes.
  ES256: ecdsa("ES256", "sha256", "P-256", 86),
  ES384: ecdsa("ES384", "sha384", "P-384", 128),
  ES512: ecdsa("ES512", "sha512", "P-521", 176),
  EdDSA: { name: "EdDSA", family: "eddsa", signatureCharacters: null },
} as const satisfies { readonly [Name in AlgorithmName]: Algorithm & { readonly name: Name } };

/** The names of the HMAC family: what a plain secret verifies, as in AnyCable. */
export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const satisfies readonly AlgorithmName[];

/** One of them. */
export type HmacName = (typeof HMAC_ALGORITHMS)[number];

const BY_NAME: ReadonlyMap<string, Algorithm> = new Map(Object.entries(ALGORITHMS));

/** The row of `name`, or undefined: `none`, `hs256` and ` HS256` are no algorithms. */
export function algorithmNamed(name: string): Algorithm | undefined {
  return BY_NAME.get(name);
}
