import type { Credentials } from "@hawser/core/engine/admission";
import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import { originCheck } from "@hawser/core/protocol/origins";
import type { Random } from "@hawser/core/random";
import type { StateMap } from "@hawser/core/rpc/backend";
import type { HeartbeatPlan, PingPrecision, Session } from "@hawser/core/session/session";
import type { Exchange, Route, RouteAnswer, Socket, SocketHandler } from "../../drivers/http.ts";
import {
  checkHandshake,
  hasTwoTokens,
  type Offer,
  readCredentials,
  readOffer,
  refusalResponse,
} from "./handshake.ts";
import { isPattern, pathPattern } from "./path-pattern.ts";
import { proxiedHeaders } from "./proxied-headers.ts";
import { lastValue, parseQuery, type Query } from "./query.ts";

export interface WebSocketTransportOptions {
  readonly paths: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Sessions at a time; 0 for no limit. */
  readonly maxConnections: number;
  /** Name of the token's query parameter; null when tokens are not looked at. */
  readonly jwtParam: string | null;
  /** Refuse requests with two different tokens, and warn, once, of tokens in URLs: proxies and browsers write those down. */
  readonly strictTokens: boolean;
  readonly proxyHeaders: readonly string[];
  readonly proxyCookies: readonly string[];
  readonly trustRequestId: boolean;
  readonly pingIntervalMs: number;
  readonly pingPrecision: PingPrecision;
  readonly pongTimeoutMs: number;
  readonly nativePings: boolean;
}

export interface WebSocketTransportParts {
  readonly engine: Engine;
  readonly random: Random;
  readonly log: Log;
  /** The client behind the peer, as far as the proxies in between are trusted; null where no proxy is. */
  readonly clientAddress: ((peer: string, forwardedFor: string | null) => string) | null;
  /** False while the server is going down. */
  readonly accepting: () => boolean;
}

/** What a socket carries: its session once it is open, and before that what `open` needs to make one. */
export type SocketData = Session | Opening;

interface Opening {
  readonly sid: string;
  readonly plan: HeartbeatPlan;
  readonly clientAddress: string | null;
  readonly url: string;
  readonly headers: StateMap;
  readonly credentials: Credentials;
}

/** The reference sends its own version here; clients may look at it to know the dialect. */
export const ANYCABLE_VERSION = "1.6.16";

const NO_HEADERS: StateMap = Object.freeze({});
const NO_CREDENTIALS: Credentials = { token: null, carrier: "none", queryMalformed: false };
const RETRY_AFTER_S = "5";

/** Action Cable over WebSocket: one route and the handler of its sockets. */
export function webSocketTransport(
  options: WebSocketTransportOptions,
  parts: WebSocketTransportParts,
): { route: Route<SocketData>; handler: SocketHandler<SocketData> } {
  const opener = new SessionOpener(options, parts);
  const patterns = options.paths.filter(isPattern).map(pathPattern);
  return {
    route: {
      paths: options.paths.filter((path) => !isPattern(path)),
      pattern: (pathname) => patterns.some((matches) => matches(pathname)),
      handle: (exchange) => opener.handle(exchange),
    },
    handler: socketHandler(parts),
  };
}

class SessionOpener {
  readonly #options: WebSocketTransportOptions;
  readonly #parts: WebSocketTransportParts;
  readonly #origins: (origin: string | null) => boolean;
  readonly #plans: { readonly base: HeartbeatPlan; readonly extended: HeartbeatPlan };
  #warnedOfQueryToken = false;

  constructor(options: WebSocketTransportOptions, parts: WebSocketTransportParts) {
    this.#options = options;
    this.#parts = parts;
    this.#origins = originCheck(options.allowedOrigins);
    const { pingIntervalMs, pingPrecision, pongTimeoutMs, nativePings } = options;
    // Base-protocol clients do not answer pings; with native ones the runtime of every client does.
    this.#plans = {
      base: { pingIntervalMs, pingPrecision, pongTimeoutMs: nativePings ? pongTimeoutMs : 0 },
      extended: { pingIntervalMs, pingPrecision, pongTimeoutMs },
    };
  }

  handle(exchange: Exchange<SocketData>): RouteAnswer {
    const { request } = exchange;
    const refusal = checkHandshake(request, this.#origins);
    if (refusal !== null) {
      this.#parts.log.debug("WebSocket connection upgrade failed", { status: refusal.status });
      return refusalResponse(refusal);
    }
    const { maxConnections } = this.#options;
    const full = maxConnections > 0 && this.#parts.engine.sessions.size >= maxConnections;
    // DEVIATION: D18. The reference lets connections over the limit hang.
    if (full || !this.#parts.accepting()) return unavailable();
    const offer = readOffer(request.headers.get("sec-websocket-protocol"));
    const opening = this.#opening(exchange, offer);
    this.#logRequestId(opening.sid, request.headers.get("x-request-id"));
    const upgraded = exchange.upgrade(opening, {
      "X-AnyCable-Version": ANYCABLE_VERSION,
      // Always set: left alone, the runtime echoes the first offer, which may be the token.
      "Sec-WebSocket-Protocol": offer.subprotocol?.name ?? "",
    });
    return upgraded ? null : refusalResponse({ status: 400 });
  }

  #opening(exchange: Exchange<SocketData>, offer: Offer): Opening {
    const { jwtParam } = this.#options;
    const { engine, clientAddress } = this.#parts;
    const { headers } = exchange.request;
    const query = parseQuery(exchange.query);
    const credentials =
      jwtParam === null ? NO_CREDENTIALS : this.#credentials(jwtParam, headers, offer, query);
    if (credentials.carrier === "query") this.#warnOfQueryToken();
    // Only the application asks for the URL and the headers: without one they are not kept (memory a connection).
    const told = engine.backend.kind !== "none";
    return {
      sid: this.#sessionId(headers.get("x-request-id")),
      plan: this.#plan(offer, query),
      clientAddress: clientAddress?.(exchange.peerAddress(), headers.get("x-forwarded-for")) ?? null,
      url: told ? exchange.request.url : "",
      headers: told ? this.#proxiedHeaders(headers, offer, exchange.peerAddress()) : NO_HEADERS,
      credentials,
    };
  }

  #credentials(param: string, headers: Headers, offer: Offer, query: Query): Credentials {
    const credentials = readCredentials(param, headers, offer, query);
    const ambiguous = this.#options.strictTokens && hasTwoTokens(param, headers, offer, query);
    return ambiguous ? { ...credentials, ambiguous } : credentials;
  }

  #proxiedHeaders(headers: Headers, offer: Offer, peer: string): StateMap {
    const { jwtParam, proxyHeaders: names, proxyCookies: cookies } = this.#options;
    if (jwtParam === null) return proxiedHeaders({ names, cookies }, headers, peer, null);
    const header = `x-${jwtParam.toLowerCase()}`;
    const value = headers.get(header) || offer.token;
    return proxiedHeaders({ names, cookies }, headers, peer, value ? { header, value } : null);
  }

  /** DEVIATION: D1. The reference takes the client's word for the session id. */
  #sessionId(requestId: string | null): string {
    const { engine, random } = this.#parts;
    if (this.#options.trustRequestId && requestId !== null && /^[\w.:-]{1,128}$/.test(requestId)) {
      if (!engine.sessions.has(requestId)) return requestId;
    }
    return random.id(21);
  }

  /** `pi` and `ptp` of the URL adjust the pings of one connection. */
  #plan(offer: Offer, query: Query): HeartbeatPlan {
    const plan = offer.subprotocol?.extended ? this.#plans.extended : this.#plans.base;
    const interval = lastValue(query, "pi") ?? "";
    const precision = lastValue(query, "ptp") ?? "";
    if (interval === "" && precision === "") return plan;
    return {
      pingIntervalMs: this.#pingIntervalMs(interval, plan.pingIntervalMs),
      pingPrecision: precision === "" ? plan.pingPrecision : pingPrecision(precision),
      pongTimeoutMs: plan.pongTimeoutMs,
    };
  }

  #pingIntervalMs(value: string, fallbackMs: number): number {
    if (value === "") return fallbackMs;
    if (/^[+-]?\d{1,9}$/.test(value)) return Math.max(0, Number(value)) * 1000;
    const fields = { val: value.slice(0, 20) };
    this.#parts.engine.sampled(
      "warn",
      "ping_interval",
      "invalid ping interval value, must be integer",
      fields,
    );
    return fallbackMs;
  }

  /** Lets a proxy's line and ours be found together, though the id is not the session's. */
  #logRequestId(sid: string, requestId: string | null): void {
    if (requestId === null || !this.#parts.log.enabled("debug")) return;
    this.#parts.log.debug("WebSocket session established", { sid, request_id: requestId.slice(0, 128) });
  }

  #warnOfQueryToken(): void {
    if (!this.#options.strictTokens || this.#warnedOfQueryToken) return;
    this.#warnedOfQueryToken = true;
    this.#parts.log.warn(
      "clients send their token in the URL, where proxies and browsers write it down; use the sub-protocol or the header",
      { param: this.#options.jwtParam ?? undefined },
    );
  }
}

function pingPrecision(value: string): PingPrecision {
  return value === "ms" || value === "ns" ? value : "s";
}

function unavailable(): Response {
  return new Response("Service Unavailable\n", {
    status: 503,
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "Retry-After": RETRY_AFTER_S,
      "X-Content-Type-Options": "nosniff",
    },
  });
}

function socketHandler({ engine, log }: WebSocketTransportParts): SocketHandler<SocketData> {
  return {
    open(socket) {
      const opening = openingOf(socket);
      socket.data = engine.open({ ...opening, connection: socket }, opening.credentials);
    },
    message: (socket, text, bytes) => engine.receive(sessionOf(socket), text, bytes),
    pong: (socket) => engine.nativePong(sessionOf(socket)),
    drain: (socket) => engine.drained(sessionOf(socket)),
    close(socket) {
      // A client that is refused at once is closed while `open` still runs, before its session stands here.
      if (!("credentials" in socket.data)) engine.closed(socket.data);
    },
    error(socket, thrown) {
      log.error("a socket handler failed; its connection is closed", { error: String(thrown) });
      if (!("credentials" in socket.data)) engine.drop(socket.data, "internal_error");
      else socket.close(1011, "Internal Error");
    },
  };
}

function openingOf(socket: Socket<SocketData>): Opening {
  if ("credentials" in socket.data) return socket.data;
  throw new Error("a socket was opened twice");
}

function sessionOf(socket: Socket<SocketData>): Session {
  if ("credentials" in socket.data) throw new Error("a socket spoke before it was open");
  return socket.data;
}
