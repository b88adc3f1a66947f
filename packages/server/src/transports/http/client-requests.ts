import type { Credentials } from "@hawser/core/engine/admission";
import type { Engine } from "@hawser/core/engine/engine";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { StateMap } from "@hawser/core/rpc/backend";
import type { Exchange } from "../../drivers/http.ts";
import { comeAgain } from "./come-again.ts";
import { hasTwoTokens, type Offered, readCredentials } from "./credentials.ts";
import { proxiedHeaders } from "./proxied-headers.ts";
import type { Query } from "./query.ts";
import type { TurnAway } from "./turn-away.ts";

export interface ClientRequestsOptions {
  /** Sessions at a time; 0 for no limit. */
  readonly maxConnections: number;
  /** Name of the token's query parameter; null when tokens are not looked at. */
  readonly jwtParam: string | null;
  /** Refuse requests with two different tokens, and warn, once, of tokens in URLs: proxies and browsers write those down. */
  readonly strictTokens: boolean;
  readonly proxyHeaders: readonly string[];
  readonly proxyCookies: readonly string[];
  readonly trustRequestId: boolean;
}

export interface ClientRequestsParts {
  readonly engine: Engine;
  readonly random: Random;
  readonly log: Log;
  /** The client behind the peer, as far as the proxies in between are trusted; null where no proxy is. */
  readonly clientAddress: ((peer: string, forwardedFor: string | null) => string) | null;
  /** Null where nothing limits who may try. */
  readonly turnAway: TurnAway | null;
  /** False while the server is going down. */
  readonly accepting: () => boolean;
  /** Whether so many sessions are more than this limit with those of other threads; null where there are none. */
  readonly isFull: ((sessions: number, limit: number) => boolean) | null;
}

/** What a session is opened with, as far as the request tells. */
export interface ClientRequest {
  readonly sid: string;
  readonly clientAddress: string | null;
  readonly url: string;
  readonly headers: StateMap;
  readonly credentials: Credentials;
}

/** The reference sends its own version here; clients may look at it to know the dialect. */
export const ANYCABLE_VERSION = "1.6.16";

const NO_HEADERS: StateMap = Object.freeze({});
const NO_CREDENTIALS: Credentials = { token: null, carrier: "none", queryMalformed: false };
const RETRY_AFTER_S = 5;

/** Reads the requests that sessions are opened with, for every transport in the same way. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions;
  readonly #parts: ClientRequestsParts;
  #warnedOfQueryToken = false;

  constructor(options: ClientRequestsOptions, parts: ClientRequestsParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Whether one more session may be opened. DEVIATION: D18. The reference lets connections over the limit hang. */
  haveRoom(): boolean {
    const { maxConnections } = this.#options;
    const { engine, isFull, accepting } = this.#parts;
    if (!accepting()) return false;
    if (maxConnections === 0) return true;
    const sessions = engine.sessions.size;
    return isFull === null ? sessions < maxConnections : !isFull(sessions, maxConnections);
  }

  /**
   * What a client hears that has to stay away for now, before its token is looked at; null for all others.
   *
   * @param former the session that it wants back.
   */
  turnedAway<T>(
    exchange: Exchange<T>,
    former: string | null,
    headers: Readonly<Record<string, string>>,
  ): Response | null {
    const { engine, turnAway, clientAddress } = this.#parts;
    if (turnAway === null) return null;
    const peer = exchange.peerAddress();
    const address = clientAddress?.(peer, exchange.request.headers.get("x-forwarded-for")) ?? peer;
    return turnAway.answer(address, former !== null && !engine.isFree(former), headers);
  }

  read<T>(exchange: Exchange<T>, query: Query, offer: Offered): ClientRequest {
    const { jwtParam } = this.#options;
    const { engine, clientAddress } = this.#parts;
    const { headers } = exchange.request;
    const credentials =
      jwtParam === null ? NO_CREDENTIALS : this.#credentials(jwtParam, headers, offer, query);
    if (credentials.carrier === "query") this.#warnOfQueryToken();
    // Only the application asks for the URL and the headers: without one they are not kept (memory a connection).
    const told = engine.backend.kind !== "none";
    return {
      sid: this.#sessionId(headers.get("x-request-id")),
      clientAddress: clientAddress?.(exchange.peerAddress(), headers.get("x-forwarded-for")) ?? null,
      url: told ? exchange.request.url : "",
      headers: told ? this.#proxiedHeaders(headers, offer, exchange.peerAddress()) : NO_HEADERS,
      credentials,
    };
  }

  #credentials(param: string, headers: Headers, offer: Offered, query: Query): Credentials {
    const credentials = readCredentials(param, headers, offer, query);
    const ambiguous = this.#options.strictTokens && hasTwoTokens(param, headers, offer, query);
    return ambiguous ? { ...credentials, ambiguous } : credentials;
  }

  #proxiedHeaders(headers: Headers, offer: Offered, peer: string): StateMap {
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
      if (engine.isFree(requestId)) return requestId;
    }
    return random.id(21);
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

/** What a client hears for whom there is no room. */
export function unavailable(headers: Readonly<Record<string, string>> = {}): Response {
  return comeAgain(503, RETRY_AFTER_S, headers);
}
