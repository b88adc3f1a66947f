import type { Answer } from "@hawser/core/broker/answer";
import type { PublishResult } from "@hawser/core/engine/publish";
import type { CorsHeaders } from "@hawser/core/protocol/cors";
import type { Exchange, Route, RouteAnswer } from "../../drivers/http.ts";

export interface HttpBroadcasterOptions {
  readonly path: string;
  /** Of which `Authorization: Bearer` must carry one, asked for each request; null leaves the endpoint open. */
  readonly keys: (() => readonly string[]) | null;
  /** Null where browsers are told nothing. */
  readonly cors: CorsHeaders | null;
}

export interface HttpBroadcasterParts {
  readonly publish: (text: string) => Answer<PublishResult>;
  /** Compares without telling by its duration how much was right. */
  readonly equalSecrets: (a: string, b: string) => boolean;
  /** Told of a request with another key, or with none. */
  readonly onRefused: (presented: string | null, key: string) => void;
}

type Headers = Readonly<Record<string, string>>;

const NO_HEADERS: Headers = {};

/**
 * Takes publications by POST (anycable broadcast/http.go@1.6.16): 200 for a page's preflight where pages may publish, 422
 * for another method, 401 for another key, 201 for what was delivered.
 *
 * DEVIATION: D12. What cannot be read is answered 422 with `{"error":...}` and nothing of it is sent; 507 is the answer to
 * a revocation that finds no room, or that could not be saved.
 */
export function httpBroadcaster<T>(options: HttpBroadcasterOptions, parts: HttpBroadcasterParts): Route<T> {
  const { path, keys, cors } = options;
  return {
    paths: [path],
    pattern: null,
    handle(exchange): RouteAnswer {
      const { method, headers: asked } = exchange.request;
      const headers = cors?.(asked.get("origin")) ?? NO_HEADERS;
      if (cors !== null && method === "OPTIONS") return answer(200, headers);
      if (method !== "POST") return answer(422, headers);
      const presented = asked.get("authorization");
      const known = keys?.() ?? null;
      if (known !== null && !known.some((key) => parts.equalSecrets(presented ?? "", `Bearer ${key}`))) {
        parts.onRefused(presented, known[0] ?? "");
        return answer(401, headers);
      }
      return publish(exchange, parts, headers);
    },
  };
}

async function publish<T>(
  { request }: Exchange<T>,
  parts: HttpBroadcasterParts,
  headers: Headers,
): Promise<Response> {
  const answered = parts.publish(await request.text());
  const result = answered instanceof Promise ? await answered : answered;
  if (result.accepted) return answer(201, headers);
  return Response.json({ error: result.why }, { status: STATUS[result.fault], headers });
}

/** What failed is not answered 503: publishers would send it again at once, ahead of everything else. */
const STATUS = { unreadable: 422, unavailable: 503, failed: 507 } as const;

function answer(status: number, headers: Headers): Response {
  return new Response(null, { status, headers });
}
