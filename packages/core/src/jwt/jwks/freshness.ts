/** How long a set may be taken for current, whatever its server says. */
const LEAST_MS = 60_000;
const MOST_MS = 24 * 3_600_000;
/** For a server that says nothing. */
const USUAL_MS = 10 * 60_000;

/**
 * How long an answer is current, in milliseconds: what `Cache-Control` says less the answer's `Age` (RFC 9111 4.2), within
 * our bounds. A server that forbids storing is asked as often as the bounds allow.
 */
export function freshForMs(cacheControl: string | null, ageS: number): number {
  const allowed = allowedMs(cacheControl);
  const fresh = allowed === null ? USUAL_MS : allowed - ageS * 1000;
  return Math.min(MOST_MS, Math.max(LEAST_MS, fresh));
}

/**
 * By how much an answer is older than its server allows, in milliseconds: a cache in between goes on with it because it
 * cannot ask. Until then its age says nothing, as a set that seldom changes may be cached for months.
 */
export function overdueMs(cacheControl: string | null, ageS: number): number {
  return Math.max(0, ageS * 1000 - (allowedMs(cacheControl) ?? USUAL_MS));
}

/** What the server allows; null when it does not say. */
function allowedMs(cacheControl: string | null): number | null {
  let allowed: number | null = null;
  for (const directive of (cacheControl ?? "").toLowerCase().split(",")) {
    const [name = "", value = ""] = directive.trim().split("=");
    if (name === "no-store" || name === "no-cache") return 0;
    const seconds = /^"?(\d{1,9})"?$/.exec(value)?.[1];
    if (name === "max-age" && seconds !== undefined) allowed = Number(seconds) * 1000;
  }
  return allowed;
}
