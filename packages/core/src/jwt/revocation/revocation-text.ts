import { jsonObjectIn } from "../../wire/json-object.ts";
import { REVOCATION_RULES, type Revocation, type RevokedBy } from "./revocation.ts";

/** A revocation as it is written down: JSON, with times in seconds, as in tokens. */
export function revocationText({ by, value, issuedBeforeS, untilMs }: Revocation): string {
  const before = by === "issued_before" ? { issued_before: issuedBeforeS } : {};
  return JSON.stringify({ by, value, ...before, until: Math.ceil(untilMs / 1000) });
}

/** What was written down, or null where it is no revocation. */
export function readRevocation(text: string): Revocation | null {
  const members = jsonObjectIn(text);
  if (members === null) return null;
  const { by, value, until, issued_before: issuedBefore = 0 } = members;
  if (!isRevokedBy(by) || typeof value !== "string" || value === "") return null;
  if (typeof until !== "number" || typeof issuedBefore !== "number") return null;
  return { by, value, issuedBeforeS: issuedBefore, untilMs: until * 1000 };
}

function isRevokedBy(value: unknown): value is RevokedBy {
  return typeof value === "string" && Object.hasOwn(REVOCATION_RULES, value);
}
