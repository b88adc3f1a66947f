import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { ALGORITHMS, type Algorithm, type AlgorithmName, HMAC_ALGORITHMS } from "./algorithms.ts";
import { isOfFamily, type KeyMaterial, secretFromText } from "./key-material.ts";
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
  /** First use, in milliseconds since the epoch; null for any time. Before it, the key's tokens are refused. */
  readonly notBeforeMs: number | null;
  /** Last use; null for no end. From then on the key is as good as retired. */
  readonly notAfterMs: number | null;
  /** The issuer (`iss`) whose tokens this key is for; null for the tokens that no other issuer claims. */
  readonly issuer: string | null;
  /** For people: `--jwt_secret`, or the name of a file or URL. */
  readonly source: string;
}

/** A key as it is written down; what is left out is null, and the source unknown. */
export type KeySpec = Pick<VerificationKey, "name" | "kid" | "algorithms" | "material" | "state"> &
  Partial<VerificationKey>;

/** The keys at one moment. Immutable: a change of keys is another ring. */
export interface KeyRing {
  /** Of all issuers. */
  readonly keys: readonly VerificationKey[];
  /** The keys of one issuer. Keys are never tried on the tokens of another (RFC 8725 3.8). */
  poolOf(issuer: string | null): KeyPool;
}

/** The keys of one issuer, as `keysFor` looks them up. */
export interface KeyPool {
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
 * @throws CableError `config_invalid` when two keys have one name, or a key is bound to no algorithm or to one that it
 * is no key for.
 */
export function createKeyRing(keys: readonly KeySpec[]): KeyRing {
  const names = new Set<string>();
  for (const key of keys) {
    const problem = names.has(key.name)
      ? `two keys have the name "${key.name}". Give each its own.`
      : problemOf(key);
    if (problem !== null) throw new CableError("config_invalid", `Cannot make a key ring: ${problem}`);
    names.add(key.name);
  }
  const revoked = new Set(keys.filter(({ state }) => state === "revoked").flatMap(idOf));
  // A file may revoke a key that its issuer goes on to publish: what one source revokes is revoked.
  const whole = keys.map((key) =>
    completed(idOf(key).some((id) => revoked.has(id)) ? { ...key, state: "revoked" } : key),
  );
  const pools = new Map<string | null, KeyPool>();
  for (const { issuer } of whole) {
    if (!pools.has(issuer)) pools.set(issuer, poolOf(whole.filter((key) => key.issuer === issuer)));
  }
  return Object.freeze({
    keys: Object.freeze(whole),
    poolOf: (issuer: string | null) => pools.get(issuer) ?? EMPTY_POOL,
  });
}

/** What tokens call a key, if anything. */
function idOf({ issuer, kid }: KeySpec): string[] {
  return kid === null ? [] : [JSON.stringify([issuer ?? null, kid])];
}

function problemOf(key: KeySpec): string | null {
  if (key.algorithms.length === 0) {
    return `the key "${key.name}" is bound to no algorithm. Name at least one.`;
  }
  const foreign = key.algorithms.find((name) => !isOfFamily(key.material, ALGORITHMS[name].family));
  if (foreign === undefined) return null;
  const kind = key.material.kind === "secret" ? "a secret" : "a public key";
  return `the key "${key.name}" is ${kind}, which ${foreign} is not for. Bind it to another algorithm.`;
}

function completed(key: KeySpec): VerificationKey {
  return Object.freeze({
    name: key.name,
    kid: key.kid,
    algorithms: Object.freeze([...key.algorithms]),
    material: key.material,
    state: key.state,
    notBeforeMs: key.notBeforeMs ?? null,
    notAfterMs: key.notAfterMs ?? null,
    issuer: key.issuer ?? null,
    source: key.source ?? "",
  });
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
export function keysFor(pool: KeyPool, algorithm: Algorithm, kid: string | null): KeyChoice {
  const keys = pool.byAlgorithm.get(algorithm.name);
  if (keys === undefined) return RULES.alg_without_key;
  if (kid === null) return keys.all;
  const named = keys.byKid.get(kid);
  if (named !== undefined) return named;
  if (pool.kids.has(kid)) return RULES.alg_not_of_key;
  if (pool.allNamed) return RULES.kid_unknown;
  return keys.unnamed.length > 0 ? keys.unnamed : RULES.alg_without_key;
}

export type KeyChoice = readonly VerificationKey[] | Rule;

/** What the key's state comes to at `nowMs`, its first and last use considered. */
export function stateAt(key: VerificationKey, nowMs: number): KeyState | "not_yet" {
  if (key.state === "revoked") return "revoked";
  if (key.notAfterMs !== null && nowMs >= key.notAfterMs) return "retired";
  if (key.notBeforeMs !== null && nowMs < key.notBeforeMs) return "not_yet";
  return key.state;
}

const TRY_ORDER: readonly KeyState[] = ["active", "verify-only", "retired", "revoked"];

const EMPTY_POOL: KeyPool = poolOf([]);

function poolOf(keys: readonly VerificationKey[]): KeyPool {
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
