import type { JsonAnswer } from "../drivers/unix-http.ts";

/** One thing that can be asked of a running server. */
export interface AdminRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  answer(request: Request): Promise<JsonAnswer> | JsonAnswer;
}

/** Answers requests by their route: 404 for an unknown path, 405 for the other method. */
export function adminEndpoint(
  routes: readonly AdminRoute[],
): (request: Request) => Promise<JsonAnswer> | JsonAnswer {
  return (request) => {
    const { pathname } = new URL(request.url);
    const known = routes.filter(({ path }) => path === pathname);
    const route = known.find(({ method }) => method === request.method);
    if (route !== undefined) return route.answer(request);
    if (known.length === 0) return { status: 404, body: { error: `there is no ${pathname} here` } };
    return {
      status: 405,
      body: { error: `${pathname} takes ${known.map(({ method }) => method).join(", ")}` },
    };
  };
}
