import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { ALGORITHMS, type AlgorithmName } from "@hawser/core/jwt/algorithms";
import { encodeBase64url } from "@hawser/core/wire/base64url";
import { randomBytes } from "./random.ts";

/** A JWK with all that it takes to sign. */
export type SigningJwk = Readonly<Record<string, string>>;

/** NIST SP 800-57 part 1, 5.6.1: good beyond 2030. */
const RSA_BITS = 3072;

/** Makes a key for `alg`: a secret as long as its hash (RFC 7518 3.2), or a pair. */
export function generateJwk(alg: AlgorithmName, kid: string): SigningJwk {
  const head = { kid, alg, use: "sig" };
  const algorithm = ALGORITHMS[alg];
  switch (algorithm.family) {
    case "hmac":
      return { kty: "oct", ...head, k: encodeBase64url(randomBytes(algorithm.signatureBytes)) };
    case "ecdsa":
      return { ...head, ...exported(generateKeyPairSync("ec", { namedCurve: algorithm.curve }).privateKey) };
    case "eddsa":
      return { ...head, ...exported(generateKeyPairSync("ed25519").privateKey) };
    default:
      return {
        ...head,
        ...exported(generateKeyPairSync("rsa", { modulusLength: RSA_BITS }).privateKey),
      };
  }
}

function exported(key: KeyObject): SigningJwk {
  const members = Object.entries(key.export({ format: "jwk" }));
  return Object.fromEntries(
    members.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}
