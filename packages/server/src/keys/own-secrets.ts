import type { JwtCrypto } from "@hawser/core/jwt/crypto";
import type { KeyRing } from "@hawser/core/jwt/keyring";
import { type KeyFacts, keyList } from "./key-list.ts";

/**
 * What the application's tokens may be signed with, by fingerprints: secrets that are active, and former ones whose
 * tokens are still taken. The secrets of other issuers are not its own.
 */
export function ownSecretsOf(
  ring: KeyRing,
  settings: { readonly secretOption: string; readonly main: { readonly issuer: string | null } },
  crypto: Pick<JwtCrypto, "sign">,
  nowMs: number,
): { readonly active: readonly string[]; readonly former: readonly string[] } {
  const keys = keyList(ring, settings.secretOption, crypto, nowMs);
  const own = keys.filter(({ issuer }) => issuer === settings.main.issuer);
  return { active: fingerprintsOf(own, "active"), former: fingerprintsOf(own, "verify-only") };
}

function fingerprintsOf(keys: readonly KeyFacts[], wanted: KeyFacts["state"]): readonly string[] {
  return keys.flatMap(({ state, fingerprint }) =>
    state === wanted && fingerprint !== null ? [fingerprint] : [],
  );
}
