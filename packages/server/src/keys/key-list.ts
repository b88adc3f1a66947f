import type { JwtCrypto } from "@hawser/core/jwt/crypto";
import { fingerprintOf } from "@hawser/core/jwt/fingerprint";
import { type KeyRing, stateAt, type VerificationKey } from "@hawser/core/jwt/keyring";

/** What operators may see of a key. */
export interface KeyFacts {
  readonly name: string;
  readonly kid: string | null;
  readonly algorithms: readonly string[];
  /** What it comes to now; `not_yet` before its first use. */
  readonly state: ReturnType<typeof stateAt>;
  /** RFC 3339, or null. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly issuer: string | null;
  readonly source: string;
  /** Of a secret; null for a public key, which everybody may see. */
  readonly fingerprint: string | null;
}

/** @param purpose what the plain secrets are for: `secret` or `jwt_secret`. */
export function keyList(
  ring: KeyRing,
  purpose: string,
  crypto: Pick<JwtCrypto, "sign">,
  nowMs: number,
): readonly KeyFacts[] {
  return ring.keys.map((key) => ({
    name: key.name,
    kid: key.kid,
    algorithms: key.algorithms,
    state: stateAt(key, nowMs),
    notBefore: instant(key.notBeforeMs),
    notAfter: instant(key.notAfterMs),
    issuer: key.issuer,
    source: key.source,
    fingerprint: fingerprintIn(key, purpose, crypto),
  }));
}

function fingerprintIn(
  { material }: VerificationKey,
  purpose: string,
  crypto: Pick<JwtCrypto, "sign">,
): string | null {
  return material.kind === "secret" ? fingerprintOf(material, purpose, crypto) : null;
}

function instant(ms: number | null): string | null {
  if (ms === null) return null;
  const date = new Date(ms);
  // A life may be written down with an end that no date has.
  return Number.isNaN(date.getTime()) ? "never" : date.toISOString();
}
