import { REVOCATION_RULES, type Revocation, type RevokedBy } from "./revocation.ts";

/** A revocation as it is written down: JSON, with times in seconds, as in tokens. */
export function revocationText({ by, value, issuedBeforeS, untilMs }: Revocation): string {
  const before = by === "issued_before" ? { issued_before: issuedBeforeS } : {};
  return JSON.stringify({ by, value, ...before, until: Math.ceil(untilMs / 1000) });
}

/** What was written down, or null where it is no revocation. */
export function readRevocation(text: string): Revocation | null {
  const members = objectIn(text);
  if (members === null) return null;
  const { by, value, until, issued_before: issuedBefore = 0 } = members;
  if (!isRevokedBy(by) || typeof value !== "string" || value === "") return null;
  if (typeof until !== "number" || typeof issuedBefore !== "number") return null;
  return { by, value, issuedBeforeS: issuedBefore, untilMs: until * 1000 };
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null ? { ...found } : null;
  } catch {
    return null;
  }
}

function isRevokedBy(value: unknown): value is RevokedBy {
  return typeof value === "string" && Object.hasOwn(REVOCATION_RULES, value);
}
