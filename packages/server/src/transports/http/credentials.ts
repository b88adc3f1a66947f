import type { Credentials } from "@hawser/core/engine/admission";
import { firstValue, type Query, valuesOf } from "./query.ts";

/** A token that came otherwise than by header and query: as a sub-protocol, where there are any. */
export interface Offered {
  readonly token: string | null;
}

/**
 * The token and where it came from: the header `x-<param>` before the sub-protocol before the first query value; an
 * empty one is none (anycable identity/jwt.go@1.6.16). The query is only looked at where the others gave nothing.
 */
export function readCredentials(param: string, headers: Headers, offer: Offered, query: Query): Credentials {
  const header = headers.get(`x-${param.toLowerCase()}`);
  if (header !== null && header !== "") return { token: header, carrier: "header", queryMalformed: false };
  if (offer.token !== null) return { token: offer.token, carrier: "subprotocol", queryMalformed: false };
  const token = firstValue(query, param);
  if (query.malformed) return { token: null, carrier: "none", queryMalformed: true };
  if (token === null || token === "") return { token: null, carrier: "none", queryMalformed: false };
  return { token, carrier: "query", queryMalformed: false };
}

/** Whether tokens that are not the same come in several places: each end of a chain of proxies could look at another. */
export function hasTwoTokens(param: string, headers: Headers, offer: Offered, query: Query): boolean {
  const found = [headers.get(`x-${param.toLowerCase()}`), offer.token, ...valuesOf(query, param)];
  return new Set(found.filter((token) => token !== null && token !== "")).size > 1;
}
