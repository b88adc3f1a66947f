import type { Credentials } from "@hawser/core/engine/admission";
import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import { originCheck } from "@hawser/core/protocol/origins";
import type { HeartbeatPlan, PingPrecision, Session } from "@hawser/core/session/session";
import type { Exchange, Route, RouteAnswer, Socket, SocketHandler } from "../../drivers/http.ts";
import {
  ANYCABLE_VERSION,
  type ClientRequest,
  type ClientRequests,
  unavailable,
} from "../http/client-requests.ts";
import { lastValue, parseQuery, type Query } from "../http/query.ts";
import { checkHandshake, formerSid, type Offer, readOffer, refusalResponse } from "./handshake.ts";
import { isPattern, pathPattern } from "./path-pattern.ts";

export interface WebSocketTransportOptions {
  readonly paths: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Whether tokens are looked at. */
  readonly tokens: boolean;
  /** Who comes without a token is to send it in the first message. */
  readonly firstMessage: boolean;
  readonly pingIntervalMs: number;
  readonly pingPrecision: PingPrecision;
  readonly pongTimeoutMs: number;
  readonly nativePings: boolean;
}

export interface WebSocketTransportParts {
  readonly engine: Engine;
  readonly requests: ClientRequests;
  readonly log: Log;
}

/** What a socket carries: its session once it is open, and before that what `open` needs to make one. */
export type SocketData = Session | Opening;

interface Opening extends ClientRequest {
  readonly plan: HeartbeatPlan;
  readonly resumable: boolean;
}

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

const NO_HEADERS = Object.freeze({});

class SessionOpener {
  readonly #parts: WebSocketTransportParts;
  readonly #origins: (origin: string | null) => boolean;
  readonly #options: WebSocketTransportOptions;
  /** Whether a session can outlive its connection. */
  readonly #sessionsLast: boolean;
  readonly #plans: Readonly<Record<"base" | "extended", Plans>>;

  constructor(options: WebSocketTransportOptions, parts: WebSocketTransportParts) {
    this.#options = options;
    this.#parts = parts;
    this.#sessionsLast = Boolean(parts.engine.broker?.sessions);
    this.#origins = originCheck(options.allowedOrigins);
    const { pingIntervalMs, pingPrecision, pongTimeoutMs, nativePings } = options;
    const pings = { pingIntervalMs, pingPrecision };
    // Base-protocol clients do not answer pings; with native ones the runtime of every client does.
    this.#plans = {
      base: plansWith({ ...pings, pongTimeoutMs: nativePings ? pongTimeoutMs : 0 }),
      extended: plansWith({ ...pings, pongTimeoutMs }),
    };
  }

  handle(exchange: Exchange<SocketData>): RouteAnswer {
    const { request } = exchange;
    const refusal = checkHandshake(request, this.#origins);
    if (refusal !== null) {
      this.#parts.log.debug("WebSocket connection upgrade failed", { status: refusal.status });
      return refusalResponse(refusal);
    }
    const { requests } = this.#parts;
    if (!requests.haveRoom()) return unavailable();
    const offer = readOffer(request.headers.get("sec-websocket-protocol"));
    const query = parseQuery(exchange.query);
    const resumable = this.#sessionsLast && offer.subprotocol?.extended === true;
    const former = resumable ? formerSid(request.headers, query) : null;
    const away = requests.turnedAway(exchange, former, NO_HEADERS);
    if (away !== null) return away;
    const { sid, clientAddress, url, headers, credentials: shown } = requests.read(exchange, query, offer);
    // Each member by name: one shape, and no spread, for every connection.
    const plan = this.#plan(offer, query);
    const credentials = this.#credentials(shown, former);
    const opening: Opening = { sid, plan, clientAddress, url, headers, credentials, resumable };
    this.#logRequestId(opening.sid, request.headers.get("x-request-id"));
    const upgraded = exchange.upgrade(opening, {
      "X-AnyCable-Version": ANYCABLE_VERSION,
      // Always set: left alone, the runtime echoes the first offer, which may be the token.
      "Sec-WebSocket-Protocol": offer.subprotocol?.name ?? "",
    });
    return upgraded ? null : refusalResponse({ status: 400 });
  }

  #credentials(shown: Credentials, former: string | null): Credentials {
    const mayFollow = this.#options.firstMessage && shown.token === null;
    if (former === null) return mayFollow ? { ...shown, mayFollow } : shown;
    return { ...shown, mayFollow, formerSid: former };
  }

  /** `pi` and `ptp` of the URL adjust the pings of one connection, and `auth=1` has it told when its token will expire. */
  #plan(offer: Offer, query: Query): HeartbeatPlan {
    const told = this.#options.tokens && lastValue(query, "auth") === "1";
    const plan = this.#plans[offer.subprotocol?.extended ? "extended" : "base"][told ? "told" : "untold"];
    const interval = lastValue(query, "pi") ?? "";
    const precision = lastValue(query, "ptp") ?? "";
    if (interval === "" && precision === "") return plan;
    return {
      pingIntervalMs: this.#pingIntervalMs(interval, plan.pingIntervalMs),
      pingPrecision: precision === "" ? plan.pingPrecision : pingPrecision(precision),
      pongTimeoutMs: plan.pongTimeoutMs,
      tokenNotices: told,
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
}

/** For those who are told when their token will expire, and for the others; made once, as there are many of them. */
interface Plans {
  readonly told: HeartbeatPlan;
  readonly untold: HeartbeatPlan;
}

function plansWith(pings: Omit<HeartbeatPlan, "tokenNotices">): Plans {
  return { told: { ...pings, tokenNotices: true }, untold: { ...pings, tokenNotices: false } };
}

function pingPrecision(value: string): PingPrecision {
  return value === "ms" || value === "ns" ? value : "s";
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
