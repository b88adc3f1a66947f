/** Everything that the code below needs to know of one JWS `alg` (RFC 7518 3.1): nothing else names an algorithm. */
export interface Algorithm {
  /** As it stands in the header; compared exactly. */
  readonly name: AlgorithmName;
  /** Which kind of key it takes. A key of another family is never tried, whatever the header says (RFC 8725 3.1). */
  readonly family: "hmac";
  readonly hash: "sha256" | "sha384" | "sha512";
  /** Length of the signature in bytes; it has no other. */
  readonly signatureBytes: number;
  /** The same in base64url characters. */
  readonly signatureCharacters: number;
}

export type AlgorithmName = "HS256" | "HS384" | "HS512";

export const ALGORITHMS = {
  HS256: { name: "HS256", family: "hmac", hash: "sha256", signatureBytes: 32, signatureCharacters: 43 },
  HS384: { name: "HS384", family: "hmac", hash: "sha384", signatureBytes: 48, signatureCharacters: 64 },
  HS512: { name: "HS512", family: "hmac", hash: "sha512", signatureBytes: 64, signatureCharacters: 86 },
} as const satisfies { readonly [Name in AlgorithmName]: Algorithm & { readonly name: Name } };

/** The names of the HMAC family: what a plain secret verifies, as in AnyCable. */
export const HMAC_ALGORITHMS: readonly AlgorithmName[] = ["HS256", "HS384", "HS512"];

const BY_NAME: ReadonlyMap<string, Algorithm> = new Map(Object.entries(ALGORITHMS));

/** The row of `name`, or undefined: `none`, `hs256` and ` HS256` are no algorithms. */
export function algorithmNamed(name: string): Algorithm | undefined {
  return BY_NAME.get(name);
}
