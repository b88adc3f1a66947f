/** Whatever JSON can say. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** Read members with `memberOf`, so that a name the text does not have never finds one of `Object.prototype`. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** Why a text was not taken. */
export type JsonProblem =
  | "not_json" // not RFC 8259 JSON
  | "not_object" // JSON, but not an object
  | "too_deep" // more objects and arrays inside each other than allowed
  | "duplicate_member" // an object has two members of one name
  | "not_finite"; // a number that only fits in Infinity, such as 1e999

/**
 * Parses a JSON object, and refuses what JSON parsers disagree about: with two members of one name, or a number beyond
 * the range of a double, the signer and the reader of a token could each see another value (RFC 7519 4, RFC 8259 4 and 6).
 * Names are compared after their escapes are resolved.
 *
 * @param maxDepth how many objects and arrays may be inside each other; the outermost one counts.
 */
export function parseStrictObject(text: string, maxDepth: number): JsonObject | JsonProblem {
  const members = countMembers(text, maxDepth);
  if (members < 0) return "too_deep";
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch {
    return "not_json";
  }
  // A parser keeps one value a name, so there are as many names as members unless one came twice.
  const names = countNames(value);
  if (Number.isNaN(names)) return "not_finite";
  if (names !== members) return "duplicate_member";
  return isObject(value) ? value : "not_object";
}

/** The member that the object itself has, or undefined. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The number of colons outside strings: in well-formed JSON, the number of members. For other text it is just a number.
 * Looks at the depth too, before any recursive parser sees the text.
 *
 * @returns -1 when the text is deeper than `maxDepth`.
 */
function countMembers(text: string, maxDepth: number): number {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === COLON) {
      members++;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > maxDepth) return -1;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
    }
  }
  return members;
}

/** The index of the quote that closes the string opened at `open`, or the text's length. */
function endOfString(text: string, open: number): number {
  let at = open + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) break;
    if (code === BACKSLASH) at++;
  }
  return at;
}

/** How many names the objects in `value` have between them; NaN when a number in it is not finite. */
function countNames(value: JsonValue): number {
  if (typeof value === "number") return Number.isFinite(value) ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  let names = 0;
  if (isArray(value)) {
    for (let at = 0; at < value.length; at++) names += countNames(value[at] ?? null);
    return names;
  }
  for (const name in value) {
    // Whatever someone hung on Object.prototype is no part of the text.
    if (Object.hasOwn(value, name)) names += 1 + countNames(value[name] ?? null);
  }
  return names;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !isArray(value);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
