import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { base64urlByteLength, decodeBase64url } from "../wire/base64url.ts";
import { type JsonObject, memberOf } from "../wire/strict-json.ts";
import { ALGORITHMS, type AlgorithmName, algorithmNamed, type CurveName } from "./algorithms.ts";
import { type PublicKeyFacts, type PublicKeyReader, suits } from "./crypto.ts";
import { isEd25519Point } from "./ed25519-point.ts";
import { isInfineonModulus } from "./infineon-key.ts";
import {
  type KeyMaterial,
  PrivateMaterial,
  type PublicJwk,
  type PublicMaterial,
  SecretMaterial,
} from "./key-material.ts";
import type { KeyState } from "./keyring.ts";

export interface JwkReading {
  readonly crypto: PublicKeyReader;
  /**
   * The set comes from where anyone can read it. Secrets and private keys in it are secret no longer, and `state`, `nbf`
   * and `exp` are no members that its publisher gives a meaning to: what it holds is in use.
   */
  readonly published: boolean;
  /** Whether the private half of a pair is wanted as well, to sign with. */
  readonly withPrivate: boolean;
  /** What a key without `alg` is bound to: the first of these that it can be used with. */
  readonly preferred: readonly AlgorithmName[];
}

/** What one JSON Web Key (RFC 7517 4) turned out to be. */
export interface Jwk {
  readonly kid: string | null;
  readonly algorithm: AlgorithmName;
  readonly material: KeyMaterial;
  /** The private half, where there is one and it is wanted. */
  readonly signing: PrivateMaterial | null;
  readonly state: KeyState;
  readonly notBeforeMs: number | null;
  readonly notAfterMs: number | null;
}

/** Why a key cannot be used, and what to do: two clauses, of which neither holds anything of the key. */
export class UnusableKey extends Error {
  override readonly name = "UnusableKey";
}

/** What a key without `alg` is bound to when nothing else is preferred; a JWK is for one algorithm (RFC 8725 3.1). */
const USUAL: readonly AlgorithmName[] = ["HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA"];

/** Past this a single verification takes milliseconds. */
const MAX_RSA_BITS = 16_384;
const MIN_RSA_BITS = 2048;

/** @throws UnusableKey */
export function readJwk(jwk: JsonObject, reading: JwkReading): Jwk {
  const kty = memberOf(jwk, "kty");
  if (typeof kty !== "string") throw new UnusableKey("it has no kty; give the key as its maker wrote it");
  const isPrivate = Object.hasOwn(jwk, "d");
  checkUse(jwk, isPrivate);
  if (reading.published && (isPrivate || kty === "oct")) {
    const what = isPrivate ? "its private half" : "a shared secret";
    throw new UnusableKey(`${what} is published with it, so anyone can sign; its issuer has to replace it`);
  }
  const facts = kty === "oct" ? null : factsOf(jwk, kty, reading.crypto);
  const algorithm = algorithmOf(jwk, facts?.facts ?? null, reading.preferred);
  return {
    kid: kidOf(jwk),
    algorithm,
    material: facts?.material ?? secretOf(jwk),
    signing: isPrivate && reading.withPrivate ? privateOf(jwk) : null,
    ...(reading.published ? ALWAYS : lifeOf(jwk)),
  };
}

const ALWAYS = { state: "active", notBeforeMs: null, notAfterMs: null } as const;

/** What a token's header may name, or null. */
function kidOf(jwk: JsonObject): string | null {
  const kid = memberOf(jwk, "kid");
  if (kid === undefined) return null;
  if (typeof kid === "string" && kid !== "" && kid.length <= LIMITS.maxKidLength) return kid;
  throw new UnusableKey(
    `its kid is not a text of 1 to ${LIMITS.maxKidLength} characters; give it another, or none`,
  );
}

/** RFC 7517 4.2 and 4.3. */
function checkUse(jwk: JsonObject, isPrivate: boolean): void {
  const use = memberOf(jwk, "use");
  if (use !== undefined && use !== "sig") {
    throw new UnusableKey("its use is not sig, so it is no key for signatures; leave it out");
  }
  const operations = memberOf(jwk, "key_ops");
  if (operations === undefined) return;
  const list: readonly unknown[] = Array.isArray(operations) ? operations : [];
  if (list.includes("verify") || (isPrivate && list.includes("sign"))) return;
  throw new UnusableKey("its key_ops do not hold verify, so it is no key for signatures; leave it out");
}

function algorithmOf(
  jwk: JsonObject,
  facts: PublicKeyFacts | null,
  preferred: readonly AlgorithmName[],
): AlgorithmName {
  const alg = memberOf(jwk, "alg");
  if (alg === undefined) return boundTo(facts, preferred);
  const algorithm = typeof alg === "string" ? algorithmNamed(alg) : undefined;
  if (algorithm === undefined) {
    throw new UnusableKey(
      `its alg is none of ${Object.keys(ALGORITHMS).join(", ")}; give it one of them, or none`,
    );
  }
  if (suits(algorithm, facts)) return algorithm.name;
  throw new UnusableKey(`its alg is ${algorithm.name}, which is for keys of another kind; correct its alg`);
}

/** The one algorithm of a key that does not say it itself. */
export function boundTo(facts: PublicKeyFacts | null, preferred: readonly AlgorithmName[]): AlgorithmName {
  const name = [...preferred, ...USUAL].find((candidate) => suits(ALGORITHMS[candidate], facts));
  if (name === undefined) throw new UnusableKey("no algorithm here takes such a key; leave it out");
  return name;
}

function factsOf(
  jwk: JsonObject,
  kty: string,
  crypto: PublicKeyReader,
): { readonly material: PublicMaterial; readonly facts: PublicKeyFacts } {
  const material: PublicMaterial = { kind: "public", form: { format: "jwk", jwk: publicPart(jwk, kty) } };
  return { material, facts: checkedFacts(material, crypto) };
}

/**
 * Reads a public key and judges its strength.
 *
 * @throws UnusableKey
 */
export function checkedFacts(material: PublicMaterial, crypto: PublicKeyReader): PublicKeyFacts {
  const facts = crypto.readPublicKey(material);
  if (facts === null) {
    throw new UnusableKey("it is damaged, or its point is not on its curve; get it from its maker again");
  }
  if (facts.kty === "OKP" && facts.curve === "Ed25519" && !isEd25519Point(facts.point)) {
    throw new UnusableKey("its point is not on its curve, or of small order; get it from its maker again");
  }
  if (facts.kty !== "RSA") return facts;
  const bits = facts.modulus.toString(2).length;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new UnusableKey(
      `its modulus has ${bits} bits, not ${MIN_RSA_BITS} to ${MAX_RSA_BITS}; make a new key`,
    );
  }
  if (facts.exponent < 3n || facts.exponent % 2n === 0n) {
    throw new UnusableKey("its exponent is 1 or even, so its signatures prove nothing; make a new key");
  }
  if (isInfineonModulus(facts.modulus)) {
    throw new UnusableKey(
      "it was made by a chip whose keys can be computed (CVE-2017-15361); make a new key",
    );
  }
  return facts;
}

/** RFC 7518 6.2.1.2: a coordinate is as long as the curve's field. RFC 8037 2. */
const COORDINATE_BYTES: Readonly<Record<CurveName, number>> = {
  "P-256": 32,
  "P-384": 48,
  "P-521": 66,
  Ed25519: 32,
  Ed448: 57,
};

function publicPart(jwk: JsonObject, kty: string): PublicJwk {
  if (kty === "RSA") return { kty, n: numberIn(jwk, "n").text, e: numberIn(jwk, "e").text };
  if (kty !== "EC" && kty !== "OKP") {
    throw new UnusableKey("its kty is none of oct, RSA, EC and OKP; leave it out");
  }
  const crv = curveOf(jwk, kty);
  const x = coordinate(jwk, "x", crv);
  if (kty === "EC") return { kty, crv, x: x.text, y: coordinate(jwk, "y", crv).text };
  return { kty, crv, x: x.text };
}

function curveOf(jwk: JsonObject, kty: "EC" | "OKP"): CurveName {
  const known: readonly CurveName[] = kty === "EC" ? ["P-256", "P-384", "P-521"] : ["Ed25519", "Ed448"];
  const crv = memberOf(jwk, "crv");
  const curve = known.find((name) => name === crv);
  if (curve === undefined) throw new UnusableKey(`its crv is none of ${known.join(", ")}; leave it out`);
  return curve;
}

interface Decoded {
  readonly text: string;
  readonly bytes: Uint8Array;
}

function coordinate(jwk: JsonObject, name: string, curve: CurveName): Decoded {
  const found = numberIn(jwk, name);
  const wanted = COORDINATE_BYTES[curve];
  if (found.bytes.length === wanted) return found;
  throw new UnusableKey(
    `its ${name} has ${found.bytes.length} bytes, and on ${curve} it has ${wanted}; get it from its maker again`,
  );
}

function numberIn(jwk: JsonObject, name: string): Decoded {
  const text = memberOf(jwk, name);
  const bytes = typeof text === "string" ? decoded(text) : null;
  if (typeof text === "string" && bytes !== null && bytes.length > 0) return { text, bytes };
  throw new UnusableKey(`its ${name} is not base64url without padding; get it from its maker again`);
}

function decoded(text: string): Uint8Array | null {
  const bytes = new Uint8Array(base64urlByteLength(text.length));
  return decodeBase64url(text, 0, text.length, bytes) === bytes.length ? bytes : null;
}

function secretOf(jwk: JsonObject): SecretMaterial {
  return new SecretMaterial(numberIn(jwk, "k").bytes);
}

const PRIVATE_MEMBERS = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"];

function privateOf(jwk: JsonObject): PrivateMaterial {
  const members = PRIVATE_MEMBERS.flatMap((name) => {
    const value = memberOf(jwk, name);
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return new PrivateMaterial(Object.fromEntries(members));
}

const STATES: readonly KeyState[] = ["active", "verify-only", "retired", "revoked"];

function lifeOf(jwk: JsonObject): Pick<Jwk, "state" | "notBeforeMs" | "notAfterMs"> {
  const said = memberOf(jwk, "state") ?? "active";
  const state = STATES.find((candidate) => candidate === said);
  if (state === undefined) throw new UnusableKey(`its state is none of ${STATES.join(", ")}; correct it`);
  const notBeforeMs = instantMs(jwk, "nbf");
  const notAfterMs = instantMs(jwk, "exp");
  if (notBeforeMs !== null && notAfterMs !== null && notBeforeMs >= notAfterMs) {
    throw new UnusableKey("its last use (exp) comes before its first (nbf); correct them");
  }
  return { state, notBeforeMs, notAfterMs };
}

/** A NumericDate (RFC 7519 2). */
function instantMs(jwk: JsonObject, name: "nbf" | "exp"): number | null {
  const value = memberOf(jwk, name);
  if (value === undefined) return null;
  if (typeof value === "number") return value * 1000;
  throw new UnusableKey(`its ${name} is not a number of seconds since 1970; correct it`);
}

/** The same as a fault that names the key and where it lies. */
export function unusable(problem: UnusableKey, key: string, source: string): CableError {
  return new CableError("config_invalid", `Cannot use ${key} of ${source}: ${problem.message}.`);
}
