import type { Route } from "../drivers/http.ts";

const TEXT = { "Content-Type": "text/plain; charset=utf-8" } as const;

/** Says that the process lives, and nothing more (anycable server/health_handler.go@1.6.16). */
export function healthRoute<T>(path: string): Route<T> {
  return {
    paths: [path],
    pattern: null,
    handle: () => new Response("Ah, ha, ha, ha, stayin' alive, stayin' alive.", { headers: TEXT }),
  };
}

/** Why this server should get no traffic, or null when it should. */
export type Readiness = () => string | null;

/** Says whether clients should be sent here: 200 `ready`, or 503 and the reason. */
export function readyRoute<T>(path: string, readiness: Readiness): Route<T> {
  return {
    paths: [path],
    pattern: null,
    handle() {
      const reason = readiness();
      return new Response(`${reason ?? "ready"}\n`, { status: reason === null ? 200 : 503, headers: TEXT });
    },
  };
}
