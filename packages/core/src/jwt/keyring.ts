import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type Algorithm, type AlgorithmName, HMAC_ALGORITHMS } from "./algorithms.ts";
import { type KeyMaterial, secretFromText } from "./key-material.ts";
import { RULES, type Rule } from "./rules.ts";

/**
 * `active` signs and verifies; `verify-only` verifies what it signed before; `retired` and `revoked` are kept to know
 * their tokens by, and refuse them: a retired key's as expired, so that clients fetch new ones, a revoked key's for good.
 */
export type KeyState = "active" | "verify-only" | "retired" | "revoked";

export interface VerificationKey {
  /** Unique in its ring. Goes to logs and metric labels. */
  readonly name: string;
  /** What a token's `kid` must be to mean this key; null for a key that tokens do not name. */
  readonly kid: string | null;
  /** The algorithms this key is bound to (RFC 8725 3.1). */
  readonly algorithms: readonly AlgorithmName[];
  readonly material: KeyMaterial;
  readonly state: KeyState;
}

/** The keys at one moment. Immutable: a change of keys is another ring. */
export interface KeyRing {
  readonly keys: readonly VerificationKey[];
  /** What `keysFor` looks things up in. */
  readonly index: KeyIndex;
}

interface KeyIndex {
  readonly byAlgorithm: ReadonlyMap<AlgorithmName, KeysOfAlgorithm>;
  readonly kids: ReadonlySet<string>;
  /** Every key has a `kid`, so a token with a foreign one cannot be for any of them. */
  readonly allNamed: boolean;
}

/** In the order in which they are tried. */
interface KeysOfAlgorithm {
  readonly all: readonly VerificationKey[];
  readonly unnamed: readonly VerificationKey[];
  readonly byKid: ReadonlyMap<string, readonly VerificationKey[]>;
}

/**
 * Makes a ring of `keys`.
 *
 * @throws CableError `config_invalid` when two keys have one name, or a key is bound to no algorithm.
 */
export function createKeyRing(keys: readonly VerificationKey[]): KeyRing {
  const names = new Set<string>();
  for (const key of keys) {
    if (names.has(key.name)) {
      throw new CableError(
        "config_invalid",
        `Cannot make a key ring: two keys have the name "${key.name}". Give each its own.`,
      );
    }
    if (key.algorithms.length === 0) {
      throw new CableError(
        "config_invalid",
        `Cannot make a key ring: the key "${key.name}" is bound to no algorithm. Name at least one.`,
      );
    }
    names.add(key.name);
  }
  return Object.freeze({ keys: Object.freeze([...keys]), index: indexOf(keys) });
}

/**
 * The ring of one plain secret, as `--jwt_secret` gives it: its UTF-8 bytes, for HS256, HS384 and HS512, without a `kid`.
 *
 * @throws CableError `config_invalid` for an empty secret.
 */
export function ringOfSecret(secret: string, name = "secret"): KeyRing {
  return createKeyRing([
    { name, kid: null, algorithms: HMAC_ALGORITHMS, material: secretFromText(secret), state: "active" },
  ]);
}

/**
 * The keys that may have signed a token with this `alg` and `kid`, in the order to try, or the rule that leaves none.
 * A plain secret answers to any `kid`, as in AnyCable, which ignores it.
 */
export function keysFor(ring: KeyRing, algorithm: Algorithm, kid: string | null): KeyChoice {
  const keys = ring.index.byAlgorithm.get(algorithm.name);
  if (keys === undefined) return RULES.alg_without_key;
  if (kid === null) return keys.all;
  const named = keys.byKid.get(kid);
  if (named !== undefined) return named;
  if (ring.index.kids.has(kid)) return RULES.alg_not_of_key;
  if (ring.index.allNamed) return RULES.kid_unknown;
  return keys.unnamed.length > 0 ? keys.unnamed : RULES.alg_without_key;
}

export type KeyChoice = readonly VerificationKey[] | Rule;

const TRY_ORDER: readonly KeyState[] = ["active", "verify-only", "retired", "revoked"];

function indexOf(keys: readonly VerificationKey[]): KeyIndex {
  const inOrder = TRY_ORDER.flatMap((state) => keys.filter((key) => key.state === state));
  const algorithms = new Set(inOrder.flatMap((key) => key.algorithms));
  const byAlgorithm = new Map<AlgorithmName, KeysOfAlgorithm>();
  for (const algorithm of algorithms) {
    byAlgorithm.set(algorithm, keysOfAlgorithm(inOrder.filter((key) => key.algorithms.includes(algorithm))));
  }
  return {
    byAlgorithm,
    kids: new Set(keys.flatMap((key) => (key.kid === null ? [] : [key.kid]))),
    allNamed: keys.every((key) => key.kid !== null),
  };
}

function keysOfAlgorithm(keys: readonly VerificationKey[]): KeysOfAlgorithm {
  const byKid = new Map<string, readonly VerificationKey[]>();
  for (const { kid } of keys) {
    if (kid === null || byKid.has(kid)) continue;
    byKid.set(kid, firstOf(keys.filter((key) => key.kid === kid)));
  }
  return { all: firstOf(keys), unnamed: firstOf(keys.filter((key) => key.kid === null)), byKid };
}

function firstOf(keys: readonly VerificationKey[]): readonly VerificationKey[] {
  return Object.freeze(keys.slice(0, LIMITS.maxKeysTried));
}
