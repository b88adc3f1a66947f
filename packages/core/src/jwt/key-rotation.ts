import { CableError } from "../errors.ts";
import { type JsonObject, type JsonValue, memberOf } from "../wire/strict-json.ts";

/** What is to become of a set of keys. */
export interface Rotation {
  /** Makes the JWK that is active from now on; asked only when one is needed, or wanted. */
  readonly newKey: () => JsonObject;
  /** Names (`kid`) of keys that go out of use; null for none. */
  readonly retire: string | null;
  readonly revoke: string | null;
  /** How long, in seconds, keys that were active go on to verify; null until they are retired by hand. */
  readonly overlapS: number | null;
  readonly nowS: number;
}

export interface RotatedSet {
  readonly set: JsonObject;
  /** A line for each key that is another than before, by its name: for people. */
  readonly changes: readonly string[];
}

/**
 * A JWK Set with its keys moved on: a new key is active and those that were before verify what they signed. A set where
 * one key is to be retired or revoked and another is active gets no new one. Members that are not understood stay.
 *
 * @param set `{"keys":[...]}`, which the server could read.
 * @throws CableError `config_invalid` when no key has the name.
 */
export function rotateKeys(set: JsonObject, rotation: Rotation): RotatedSet {
  const { retire, revoke, newKey } = rotation;
  const changes: string[] = [];
  const ended = keysIn(set).map((jwk, at) => {
    const name = nameOf(jwk, at);
    const state = name === revoke ? "revoked" : name === retire ? "retired" : null;
    if (state === null) return jwk;
    changes.push(`${name}: ${state}`);
    return { ...jwk, state };
  });
  for (const name of [retire, revoke]) {
    if (name !== null && !ended.some((jwk, at) => nameOf(jwk, at) === name)) throw noSuchKey(name, ended);
  }
  const onlyEnds = (retire !== null || revoke !== null) && ended.some(isActive);
  if (onlyEnds) return { set: { ...set, keys: ended }, changes };
  const added = newKey();
  changes.unshift(`${nameOf(added, 0)}: new and active`);
  const moved = ended.map((jwk, at) => {
    if (!isActive(jwk)) return jwk;
    changes.push(`${nameOf(jwk, at)}: verify-only`);
    return verifyOnly(jwk, rotation);
  });
  return { set: { ...set, keys: [added, ...moved] }, changes };
}

function keysIn(set: JsonObject): readonly JsonObject[] {
  const keys = memberOf(set, "keys");
  return Array.isArray(keys) ? keys.filter(isObject) : [];
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As a ring names it. */
function nameOf(jwk: JsonObject, at: number): string {
  const kid = memberOf(jwk, "kid");
  return typeof kid === "string" ? kid : `key-${at + 1}`;
}

function isActive(jwk: JsonObject): boolean {
  return (memberOf(jwk, "state") ?? "active") === "active";
}

function verifyOnly(jwk: JsonObject, { overlapS, nowS }: Rotation): JsonObject {
  const moved = { ...jwk, state: "verify-only" };
  if (overlapS === null) return moved;
  const exp = memberOf(jwk, "exp");
  const end = nowS + overlapS;
  return { ...moved, exp: typeof exp === "number" ? Math.min(exp, end) : end };
}

function noSuchKey(name: string, keys: readonly JsonObject[]): CableError {
  const known = keys.map((jwk, at) => JSON.stringify(nameOf(jwk, at))).join(", ");
  return new CableError(
    "config_invalid",
    `Cannot change the key ${JSON.stringify(name)}: there is none of that name. ${known === "" ? "The set is empty" : `There are ${known}`}.`,
  );
}
