import { ALGORITHMS, type AlgorithmName } from "@hawser/core/jwt/algorithms";
import type { SetKey } from "@hawser/core/jwt/jwk-set";
import type { SigningMaterial } from "@hawser/core/jwt/key-material";
import { signCompact } from "@hawser/core/jwt/sign";
import type { JsonObject } from "@hawser/core/wire/strict-json";
import { encodeUtf8 } from "@hawser/core/wire/utf8";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { nodeCrypto } from "../drivers/crypto.ts";
import { type Misuse, misuse } from "./command.ts";

/** A key to sign with. */
export interface SigningKey {
  readonly name: string;
  /** What tokens name it by; null for nothing. */
  readonly kid: string | null;
  readonly algorithm: AlgorithmName;
  readonly material: SigningMaterial;
  /** Whose tokens it signs; null for no issuer in particular. */
  readonly issuer: string | null;
}

/** The key that `kid` names, for `algorithm`; the active one and its first algorithm where these are empty. */
export function signingKey(
  keys: readonly SetKey[],
  kid: string,
  algorithm: AlgorithmName | "",
): SigningKey | Misuse {
  const key = keyNamed(keys, kid);
  if ("misuse" in key) return key;
  const chosen = algorithm === "" ? key.algorithms[0] : key.algorithms.find((name) => name === algorithm);
  if (chosen === undefined) {
    return misuse(
      `the key ${key.name} is not for ${algorithm}: --alg is one of ${key.algorithms.join(", ")}`,
    );
  }
  const material = key.material.kind === "secret" ? key.material : key.signing;
  if (material === null) {
    return misuse(`the key ${key.name} is a public key, which only verifies: sign where its private half is`);
  }
  return {
    name: key.name,
    kid: key.kid ?? (kid === "" ? null : kid),
    algorithm: chosen,
    material,
    issuer: key.issuer ?? null,
  };
}

function keyNamed(keys: readonly SetKey[], kid: string): SetKey | Misuse {
  const signing = keys.filter(({ state }) => state === "active");
  const named = kid === "" ? undefined : keys.find((key) => key.kid === kid);
  // A plain secret signs under any `kid`: it answers to all of them.
  const key = named ?? (kid === "" ? signing[0] : signing.find((candidate) => candidate.kid === null));
  if (key !== undefined) return key;
  if (kid === "") return misuse("no key is active, so there is none to sign with");
  const kids = keys.flatMap((candidate) => candidate.kid ?? []);
  return misuse(`no key has the kid of --kid; there are ${kids.join(", ")}`);
}

/** The claims that the configuration asks of the key's tokens, besides who and until when. */
export function claimsAskedFor({ jwt }: ResolvedConfig, { issuer }: SigningKey): JsonObject {
  const settings = settingsOf(jwt, issuer);
  return {
    ...(settings.issuer === null ? {} : { iss: settings.issuer }),
    ...(settings.audience?.[0] === undefined ? {} : { aud: settings.audience[0] }),
    ...(settings.use === null ? {} : { [settings.use.claim]: settings.use.value }),
  };
}

export function mintToken({ jwt }: ResolvedConfig, key: SigningKey, claims: JsonObject): string {
  const { type } = settingsOf(jwt, key.issuer);
  const header = {
    alg: key.algorithm,
    ...(key.kid === null ? {} : { kid: key.kid }),
    ...(type === null ? {} : { typ: type }),
  };
  return signCompact(
    {
      header: JSON.stringify(header),
      payload: encodeUtf8(JSON.stringify(claims)),
      material: key.material,
      algorithm: ALGORITHMS[key.algorithm],
    },
    nodeCrypto,
  );
}

function settingsOf({ main, issuers }: ResolvedConfig["jwt"], issuer: string | null) {
  return issuers.find((one) => one.issuer === issuer) ?? main;
}
