import type { OriginCheck } from "@hawser/core/protocol/origins";
import {
  chooseSubprotocol,
  parseSubprotocols,
  type Subprotocol,
  tokenOfSubprotocols,
} from "@hawser/core/protocol/subprotocols";
import { lastValue, type Query } from "../http/query.ts";

/** A handshake that is refused before the upgrade. */
export interface HandshakeRefusal {
  readonly status: 400 | 403 | 405;
}

const BAD_REQUEST: HandshakeRefusal = { status: 400 };

/**
 * Checks the upgrade request in the reference's order, which clients and tests can observe: headers, method, version,
 * origin, key (gorilla/websocket 1.5.3). The runtime itself would let some of these through.
 */
export function checkHandshake(request: Request, origins: OriginCheck): HandshakeRefusal | null {
  const { headers } = request;
  if (!hasToken(headers.get("connection"), "upgrade")) return BAD_REQUEST;
  if (!hasToken(headers.get("upgrade"), "websocket")) return BAD_REQUEST;
  if (request.method !== "GET") return { status: 405 };
  if (headers.get("sec-websocket-version") !== "13") return BAD_REQUEST;
  if (!origins(headers.get("origin"))) return { status: 403 };
  return isKey(headers.get("sec-websocket-key")) ? null : BAD_REQUEST;
}

const REFUSAL_TEXT = { 400: "Bad Request\n", 403: "Forbidden\n", 405: "Method Not Allowed\n" } as const;

export function refusalResponse({ status }: HandshakeRefusal): Response {
  return new Response(REFUSAL_TEXT[status], {
    status,
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "Sec-Websocket-Version": "13",
      "X-Content-Type-Options": "nosniff",
    },
  });
}

function hasToken(header: string | null, wanted: string): boolean {
  if (header === null) return false;
  const lower = header.toLowerCase();
  return lower === wanted || lower.split(",").some((part) => part.trim() === wanted);
}

/** Base64 of 16 bytes (RFC 6455 4.1). */
function isKey(key: string | null): boolean {
  return key !== null && key.length === 24 && /^[+/0-9A-Za-z]{22}==$/.test(key);
}

/** What the client offered in `Sec-WebSocket-Protocol`. */
export interface Offer {
  readonly subprotocol: Subprotocol | null;
  readonly token: string | null;
}

const NO_OFFER: Offer = { subprotocol: null, token: null };

export function readOffer(header: string | null): Offer {
  if (header === null || header === "") return NO_OFFER;
  const offered = parseSubprotocols(header);
  return { subprotocol: chooseSubprotocol(offered), token: tokenOfSubprotocols(offered) };
}

/** The session that the client wants back: the header before the query's last value; an empty one is none. */
export function formerSid(headers: Headers, query: Query): string | null {
  return headers.get("x-anycable-restore-sid") || lastValue(query, "sid") || null;
}
