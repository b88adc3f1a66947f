import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import type { Exchange, Route, RouteAnswer } from "../../drivers/http.ts";

export interface HttpBroadcasterOptions {
  readonly path: string;
  /** What `Authorization: Bearer` must carry; null leaves the endpoint open. */
  readonly key: string | null;
}

export interface HttpBroadcasterParts {
  readonly engine: Engine;
  readonly log: Log;
  /** Compares without telling by its duration how much was right. */
  readonly equalSecrets: (a: string, b: string) => boolean;
}

/**
 * Takes publications by POST (anycable broadcast/http.go@1.6.16): 422 for another method, 401 for another key, 201 for
 * what was delivered.
 *
 * DEVIATION: D12. What cannot be read is answered 422 with `{"error":...}` and nothing of it is sent.
 */
export function httpBroadcaster<T>(options: HttpBroadcasterOptions, parts: HttpBroadcasterParts): Route<T> {
  const expected = options.key === null ? null : `Bearer ${options.key}`;
  return {
    matches: (pathname) => pathname === options.path,
    handle(exchange): RouteAnswer {
      const { request } = exchange;
      if (request.method !== "POST") return new Response(null, { status: 422 });
      if (expected !== null && !parts.equalSecrets(request.headers.get("authorization") ?? "", expected)) {
        parts.log.debug("a publication was refused: wrong or missing key", { context: "broadcast" });
        return new Response(null, { status: 401 });
      }
      return publish(exchange, parts.engine);
    },
  };
}

async function publish<T>({ request }: Exchange<T>, engine: Engine): Promise<Response> {
  const result = engine.publish(await request.text());
  if (result.accepted) return new Response(null, { status: 201 });
  return Response.json({ error: result.why }, { status: 422 });
}
