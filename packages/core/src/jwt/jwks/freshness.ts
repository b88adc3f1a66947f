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
  const directives = (cacheControl ?? "").toLowerCase().split(",");
  let fresh = USUAL_MS;
  for (const directive of directives) {
    const [name = "", value = ""] = directive.trim().split("=");
    if (name === "no-store" || name === "no-cache") return LEAST_MS;
    const seconds = /^"?(\d{1,9})"?$/.exec(value)?.[1];
    if (name === "max-age" && seconds !== undefined) fresh = (Number(seconds) - ageS) * 1000;
  }
  return Math.min(MOST_MS, Math.max(LEAST_MS, fresh));
}
