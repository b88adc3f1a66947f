import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type JsonObject, type JsonValue, memberOf, parseStrictObject } from "../wire/strict-json.ts";
import { type Jwk, type JwkReading, readJwk, UnusableKey, unusable } from "./jwk.ts";
import type { PrivateMaterial } from "./key-material.ts";
import type { KeySpec } from "./keyring.ts";

export interface JwkSetReading extends JwkReading {
  /** For people: the file or URL that the text comes from. */
  readonly source: string;
  /** Whose tokens the keys are for; null for no issuer in particular. */
  readonly issuer: string | null;
  /** What goes before the names of the keys, so that those of several sources differ. */
  readonly namePrefix: string;
}

/** A key of a set, with its private half where that was wanted. */
export type SetKey = KeySpec & {
  readonly issuer: string | null;
  readonly source: string;
  readonly signing: PrivateMaterial | null;
};

export interface JwkSet {
  readonly keys: readonly SetKey[];
  /** A fault for each key that cannot be used: it says which, why and what to do, and nothing of the key. */
  readonly refused: readonly CableError[];
}

/**
 * Reads a JWK Set (RFC 7517 5), or a single JWK as a set of one.
 *
 * @throws CableError `config_invalid` when the text is neither, or a published set has too many keys.
 */
export function readJwkSet(text: string, reading: JwkSetReading): JwkSet {
  const entries = entriesOf(text, reading.source);
  if (reading.published && entries.length > LIMITS.maxPublishedKeys) throw tooMany(entries, reading.source);
  const keys: SetKey[] = [];
  const refused: CableError[] = [];
  const kids = new Set<string>();
  entries.forEach((entry, at) => {
    const label = labelOf(entry, at);
    try {
      const jwk = readJwk(objectIn(entry), reading);
      if (jwk.kid !== null && kids.has(jwk.kid)) {
        throw new UnusableKey("another key of the set has the same kid; give each its own");
      }
      if (jwk.kid !== null) kids.add(jwk.kid);
      keys.push(keyOf(jwk, at, reading));
    } catch (thrown) {
      if (!(thrown instanceof UnusableKey)) throw thrown;
      refused.push(unusable(thrown, label, reading.source));
    }
  });
  return { keys, refused };
}

/** The name says which key it is, where the operator gave it one. */
function keyOf(jwk: Jwk, at: number, { namePrefix, issuer, source }: JwkSetReading): SetKey {
  const { algorithm, ...rest } = jwk;
  return {
    ...rest,
    name: namePrefix + (jwk.kid ?? `key-${at + 1}`),
    algorithms: [algorithm],
    issuer,
    source,
  };
}

function labelOf(entry: JsonValue, at: number): string {
  const kid = isObject(entry) ? memberOf(entry, "kid") : undefined;
  const isName = typeof kid === "string" && kid !== "" && kid.length <= LIMITS.maxKidLength;
  return isName ? `the key ${JSON.stringify(kid)}` : `key number ${at + 1}`;
}

function entriesOf(text: string, source: string): readonly JsonValue[] {
  const set = parseStrictObject(text, LIMITS.maxJsonDepth);
  if (typeof set === "string") {
    throw new CableError(
      "config_invalid",
      `Cannot read the keys of ${source}: ${WHY_NO_SET[set]}. A JWK Set looks like {"keys":[...]}.`,
    );
  }
  const keys = memberOf(set, "keys");
  if (Array.isArray(keys)) return keys;
  if (keys === undefined && Object.hasOwn(set, "kty")) return [set];
  throw new CableError(
    "config_invalid",
    `Cannot read the keys of ${source}: it has no array of keys. A JWK Set looks like {"keys":[...]}.`,
  );
}

function tooMany({ length }: readonly JsonValue[], source: string): CableError {
  return new CableError(
    "config_invalid",
    `Cannot read the keys of ${source}: it has ${length}, and ${LIMITS.maxPublishedKeys} at most are taken; ` +
      "see whether it is a set of keys for tokens.",
  );
}

const WHY_NO_SET = {
  not_json: "it is not JSON",
  not_object: "it is not a JSON object",
  too_deep: "it is nested too deeply",
  duplicate_member: "an object in it has a member twice",
  not_finite: "a number in it is out of range",
} as const;

function objectIn(entry: JsonValue): JsonObject {
  if (isObject(entry)) return entry;
  throw new UnusableKey("it is not a JSON object; leave it out");
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
