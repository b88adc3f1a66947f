import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import type { Gauge } from "@hawser/core/metrics/registry";
import type { CorsHeaders } from "@hawser/core/protocol/cors";
import type { HeartbeatPlan, PingPrecision, Session } from "@hawser/core/session/session";
import { readBody } from "../../drivers/bounded-body.ts";
import type { Exchange, Route, RouteAnswer } from "../../drivers/http.ts";
import { ANYCABLE_VERSION, type ClientRequests, unavailable } from "../http/client-requests.ts";
import { parseQuery, type Query } from "../http/query.ts";
import { establish, type Outcome } from "./establish.ts";
import { EventPrinter, formFor } from "./event-printer.ts";
import type { EventTopics } from "./event-topics.ts";
import { SseConnection, type SseConnections } from "./sse-connection.ts";
import { type AskedFor, commandsOfBody, commandsOfQuery, wantsRaw } from "./subscribe-commands.ts";

export interface SseTransportOptions {
  readonly path: string;
  readonly cors: CorsHeaders;
  readonly pingIntervalMs: number;
  readonly pingPrecision: PingPrecision;
}

export interface SseTransportParts {
  readonly engine: Engine;
  readonly requests: ClientRequests;
  readonly topics: EventTopics;
  readonly log: Log;
  /** Clients that are being streamed to. */
  readonly clients: Gauge;
}

type Headers = Readonly<Record<string, string>>;

/** On every answer to GET and POST, refusals among them (anycable sse/handler.go@1.6.16, its spelling of Expires kept). */
const STREAM_HEADERS = {
  "X-Anycable-Version": ANYCABLE_VERSION,
  Connection: "keep-alive",
  "Content-Type": "text/event-stream; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
  "X-Accel-Buffering": "no",
  "Cache-Control": "private, no-cache, no-store, must-revalidate, max-age=0",
  Pragma: "no-cache",
  Expire: "0",
} as const;

const MAX_BODY_BYTES = 65536;
const NO_OFFER = { token: null };

const STATUS = { refused: 401, failed: 400, rejected: 400 } as const;

/** Streams of events over HTTP: the same sessions as over WebSockets, with frames as events. */
export function sseTransport<T>(options: SseTransportOptions, parts: SseTransportParts): Route<T> {
  const opener = new StreamOpener(options, parts);
  return { paths: [options.path], pattern: null, handle: (exchange) => opener.handle(exchange) };
}

class StreamOpener {
  readonly #parts: SseTransportParts;
  readonly #cors: CorsHeaders;
  readonly #plan: HeartbeatPlan;
  readonly #shared: SseConnections;

  constructor({ cors, pingIntervalMs, pingPrecision }: SseTransportOptions, parts: SseTransportParts) {
    const { engine, clients, topics } = parts;
    this.#parts = parts;
    this.#cors = cors;
    // Nobody says anything here: not to a ping, and no new token.
    this.#plan = { pingIntervalMs, pingPrecision, pongTimeoutMs: 0, tokenNotices: false };
    this.#shared = {
      printer: new EventPrinter(),
      topics,
      drained: (session) => engine.drained(session),
      gone: ({ session }) => {
        if (session !== null) engine.closed(session);
      },
      begun: () => {
        clients.value += 1;
      },
      ended: () => {
        clients.value -= 1;
      },
    };
  }

  handle<T>(exchange: Exchange<T>): RouteAnswer {
    const { request } = exchange;
    const { method } = request;
    const cors = this.#cors(request.headers.get("origin"));
    if (method === "OPTIONS") return answer(200, cors);
    if (method !== "GET" && method !== "POST") return answer(405, cors);
    const { requests } = this.#parts;
    if (!requests.haveRoom()) return unavailable(cors);
    const away = requests.turnedAway(exchange, null, cors);
    if (away !== null) return away;
    const headers = { ...STREAM_HEADERS, ...cors };
    const query = parseQuery(exchange.query);
    if (method === "POST") return this.#openPosted(exchange, query, headers, cors);
    return this.#open(exchange, query, commandsOfQuery(query, lastEventId(request)), headers);
  }

  async #openPosted<T>(
    exchange: Exchange<T>,
    query: Query,
    headers: Headers,
    cors: Headers,
  ): Promise<Response> {
    const body = await readBody(exchange.request, MAX_BODY_BYTES);
    // A body may take its time: others came meanwhile, or the server goes down.
    if (!this.#parts.requests.haveRoom()) return unavailable(cors);
    const asked = body === null ? { why: "the body is too large" } : commandsOfBody(body);
    return this.#open(exchange, query, asked, headers);
  }

  #open<T>(
    exchange: Exchange<T>,
    query: Query,
    asked: AskedFor,
    headers: Headers,
  ): Response | Promise<Response> {
    const { engine, requests } = this.#parts;
    const client = requests.read(exchange, query, NO_OFFER);
    if ("why" in asked) {
      const fields = { sid: client.sid, transport: "sse", error: asked.why };
      engine.sampled("warn", "sse_request", "failed to build subscribe command", fields);
      return answer(400, headers);
    }
    const raw = wantsRaw(query);
    exchange.allowSilence(raw ? 0 : silenceS(this.#plan.pingIntervalMs));
    const form = formFor({ bare: exchange.request.method === "GET", raw });
    const connection = new SseConnection(this.#shared, form, exchange.peerAddress());
    const session = engine.open({ ...client, plan: this.#plan, connection }, client.credentials);
    connection.session = session;
    const outcome = establish(engine, session, connection, asked.commands);
    if (!(outcome instanceof Promise)) return this.#answer(outcome, session, connection, headers);
    return outcome.then((settled) => this.#answer(settled, session, connection, headers));
  }

  #answer(outcome: Outcome, session: Session, connection: SseConnection, headers: Headers): Response {
    const { engine, log } = this.#parts;
    const { sid } = session;
    if (outcome === "established") {
      if (log.enabled("debug")) log.debug("session established", { sid, transport: "sse" });
      return connection.response(headers);
    }
    const fields = { sid, transport: "sse", outcome };
    engine.sampled("info", "sse_session", "failed to establish an event stream", fields);
    connection.leaveTopics();
    engine.closed(session);
    return outcome === "leaving" ? unavailable(headers) : answer(STATUS[outcome], headers);
  }
}

/**
 * How long the runtime is to leave a stream alone on which nothing is written: pings are, so that only one whose client
 * takes nothing, or that has ended, is cut. The runtime counts up to 255 seconds.
 */
function silenceS(pingIntervalMs: number): number {
  const seconds = Math.max(30, Math.ceil((pingIntervalMs * 3) / 1000));
  return pingIntervalMs === 0 || seconds > 255 ? 0 : seconds;
}

/** What the client saw last. It sends the id back in UTF-8, as it got it; the runtime reads headers byte by byte. */
function lastEventId({ headers }: Request): string | null {
  const bytes = headers.get("last-event-id");
  return bytes === null
    ? null
    : new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}

function answer(status: number, headers: Headers): Response {
  return new Response(null, { status, headers });
}
