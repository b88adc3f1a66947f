import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

/** What `node:http` calls with each request; frameworks in Express's manner add `next`. */
export type NodeListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error: unknown) => void,
) => void;

/**
 * Puts a handler of `Request`s behind `node:http`, Express and their like. An answer is sent once it is complete. What the
 * handler throws goes to `next`, or is answered 500 and told to `onError`.
 */
export function nodeListener(
  handler: (request: Request) => Promise<Response>,
  onError: (error: unknown) => void = () => {},
): NodeListener {
  return (incoming, outgoing, next) => {
    answer(handler, incoming, outgoing).catch((thrown: unknown) => {
      if (next !== undefined) return next(thrown);
      onError(thrown);
      if (!outgoing.headersSent) outgoing.statusCode = 500;
      outgoing.end();
    });
  };
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const request = requestOf(incoming, gone.signal);
  if (request === null) {
    outgoing.statusCode = 400;
    outgoing.end();
    return;
  }
  const response = await handler(request);
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
  // The one header that may stand several times; above, each has taken the place of the one before.
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  outgoing.end(body);
}

/** Null when the request line and the `Host` header name no URL. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | null {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    // HTTP/2 has names that start with a colon, and says the host by one.
    if (value === undefined || name.startsWith(":")) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const method = incoming.method ?? "GET";
  const isBodiless = method === "GET" || method === "HEAD";
  const url = urlOf(incoming);
  if (url === null) return null;
  // Parsers in Express's manner read the body and leave here what they took it for.
  if (!isBodiless && incoming.readableEnded && "body" in incoming && incoming.body !== undefined) {
    return new Request(url, { method, headers, signal, body: bodyOf(incoming.body) });
  }
  // The types of streams of `node:stream/web` and of `fetch` are told apart; the objects are the same.
  const body = isBodiless ? null : (Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>);
  if (body === null) return new Request(url, { method, headers, signal });
  // `fetch` asks for `duplex`, and the types of browsers do not know it.
  const streaming = { method, headers, signal, body, duplex: "half" as const };
  return new Request(url, streaming);
}

function bodyOf(parsed: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof parsed === "string") return parsed;
  return Buffer.isBuffer(parsed) ? Uint8Array.from(parsed) : JSON.stringify(parsed);
}

function urlOf(incoming: IncomingMessage): string | null {
  const { socket, headers } = incoming;
  const host = headers[":authority"] ?? headers.host ?? "localhost";
  const scheme = "encrypted" in socket && socket.encrypted === true ? "https" : "http";
  // Express cuts the place where a handler is mounted off `url`, and keeps the whole here.
  const path = "originalUrl" in incoming ? String(incoming.originalUrl) : (incoming.url ?? "/");
  const whole = `${scheme}://${String(host)}${path.startsWith("/") ? path : `/${path}`}`;
  return URL.canParse(whole) ? whole : null;
}
