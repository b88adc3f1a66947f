import { originCheck } from "./origins.ts";

/** The headers that let pages of this `Origin` use an endpoint. */
export type CorsHeaders = (origin: string | null) => Readonly<Record<string, string>>;

/** What the reference sends whether the origin is allowed or not (anycable server/cors.go@1.6.16). */
const ALWAYS = {
  "Access-Control-Allow-Methods": "POST, OPTIONS",
  "Access-Control-Allow-Credentials": "true",
  "Access-Control-Allow-Headers":
    "Origin, X-Requested-With, X-Request-ID, Content-Type, Accept, X-CSRF-Token, Authorization",
} as const;

/**
 * @param allowed hosts as of `--allowed_origins`; empty allows all. The headers only tell browsers: the request itself
 *   is served whatever its origin.
 */
export function corsHeaders(allowed: readonly string[]): CorsHeaders {
  if (allowed.length === 0) {
    const everyone = { "Access-Control-Allow-Origin": "*", ...ALWAYS };
    return () => everyone;
  }
  const mayUse = originCheck(allowed);
  return (origin) =>
    origin !== null && mayUse(origin)
      ? { "Access-Control-Allow-Origin": origin.toLowerCase(), ...ALWAYS }
      : ALWAYS;
}
