import type { JwtCrypto } from "@hawser/core/jwt/crypto";
import { fingerprintOf } from "@hawser/core/jwt/fingerprint";
import { stateAt, type VerificationKey } from "@hawser/core/jwt/keyring";
import type { RingReport } from "@hawser/core/jwt/ring-report";

export interface MarkParts {
  /** What the plain secrets are for: `secret` or `jwt_secret`. */
  readonly purpose: string;
  readonly crypto: Pick<JwtCrypto, "sign">;
  /** A short digest of a text that is no secret. */
  readonly digest: (text: string) => string;
}

/**
 * What other servers may know of keys, to tell whether they have the same: of a secret its fingerprint, of a public key its
 * name and a digest. Those that are retired or revoked are as good as not there.
 */
export function ringMarks(
  keys: readonly VerificationKey[],
  nowMs: number,
  parts: MarkParts,
): Pick<RingReport, "keys" | "passing"> {
  const marks = { keys: new Set<string>(), passing: new Set<string>() };
  for (const key of keys) {
    const where = placeOf(key, nowMs);
    if (where !== null) marks[where].add(markOf(key, parts));
  }
  return { keys: [...marks.keys].sort(), passing: [...marks.passing].sort() };
}

/** What begins or ends by itself does so at about the same time everywhere, and in the meantime need not be there. */
function placeOf(key: VerificationKey, nowMs: number): "keys" | "passing" | null {
  const state = stateAt(key, nowMs);
  if (state === "active") return "keys";
  if (state === "verify-only") return key.notAfterMs === null ? "keys" : "passing";
  return state === "not_yet" ? "passing" : null;
}

function markOf({ kid, name, material }: VerificationKey, { purpose, crypto, digest }: MarkParts): string {
  if (material.kind === "secret") return fingerprintOf(material, purpose, crypto);
  const { form } = material;
  return `${kid ?? name}:${digest(form.format === "jwk" ? JSON.stringify(form.jwk) : form.pem.trim())}`;
}
