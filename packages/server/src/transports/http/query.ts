import { LIMITS } from "@hawser/core/limits";

/** A query string taken apart; `malformed` when a part of it cannot be (net/url ParseQuery). */
export interface Query {
  readonly pairs: readonly (readonly [name: string, value: string])[];
  readonly malformed: boolean;
}

const EMPTY: Query = { pairs: [], malformed: false };

/** Malformed pairs are left out: a `;`, or a `%` that no two hexadecimal digits follow. So is what comes after too many. */
export function parseQuery(query: string): Query {
  if (query === "") return EMPTY;
  const pairs: [string, string][] = [];
  let malformed = false;
  let seen = 0;
  for (let from = 0, to = 0; to < query.length; from = to + 1) {
    to = query.indexOf("&", from);
    if (to < 0) to = query.length;
    if (to === from) continue;
    seen += 1;
    if (seen > LIMITS.maxQueryPairs) return { pairs, malformed: true };
    const part = query.slice(from, to);
    const equals = part.indexOf("=");
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? "" : decode(part.slice(equals + 1));
    if (part.includes(";") || name === null || value === null) malformed = true;
    else pairs.push([name, value]);
  }
  return { pairs, malformed };
}

export function firstValue(query: Query, wanted: string): string | null {
  for (const [name, value] of query.pairs) if (name === wanted) return value;
  return null;
}

export function valuesOf(query: Query, wanted: string): readonly string[] {
  return query.pairs.flatMap(([name, value]) => (name === wanted ? [value] : []));
}

export function lastValue(query: Query, wanted: string): string | null {
  let last: string | null = null;
  for (const [name, value] of query.pairs) if (name === wanted) last = value;
  return last;
}

function decode(text: string): string | null {
  if (!text.includes("%") && !text.includes("+")) return text;
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    // The bytes are not UTF-8. The reference keeps them; no value that we read can hold them, so any stand-in does.
    return spaced.replace(/%[0-9A-Fa-f]{2}/g, "\uFFFD");
  }
}
