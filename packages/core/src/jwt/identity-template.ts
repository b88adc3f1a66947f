import { CableError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type JsonObject, type JsonValue, memberOf, parseStrictObject } from "../wire/strict-json.ts";
import type { Claims } from "./claims.ts";
import type { Identify } from "./identity.ts";
import { RULES, type Rule } from "./rules.ts";

/** A value of the identifiers: what it is, or the names that lead to it in the claims. */
type Piece = { readonly constant: JsonValue } | { readonly path: readonly string[] } | readonly Member[];

interface Member {
  readonly name: string;
  readonly piece: Piece;
}

/**
 * Makes identifiers out of claims, for tokens of issuers that know nothing of `ext`: a JSON object whose texts that
 * begin with `$` are paths into the claims, `$.sub`, `$.org.id` or `$["https://my.app/tenant"]`. The identifiers are
 * the object's JSON without white space, its members in the order of the template.
 *
 * @throws CableError `config_invalid` when the template is no such object.
 */
export function identityTemplate(text: string): Identify {
  const template = parseStrictObject(text, LIMITS.maxJsonDepth);
  if (typeof template === "string") {
    throw unusable('it is not a JSON object, like {"user_id":"$.sub"}');
  }
  const members = membersOf(template);
  if (!usesClaims(members))
    throw unusable('it uses no claim, so that everybody is the same; name one, like "$.sub"');
  return (claims) => {
    const identifiers = print(members, claims);
    return typeof identifiers === "string" ? identifiers : identifiers.rule;
  };
}

function unusable(why: string): CableError {
  return new CableError("config_invalid", `Cannot use the template of identifiers: ${why}.`);
}

function membersOf(object: JsonObject): readonly Member[] {
  return Object.keys(object).map((name) => {
    // Engines sort such names before all others, so that the text would not be in the template's order.
    if (/^\d+$/.test(name)) throw unusable(`the name "${name}" is a number; give it a letter`);
    return { name, piece: pieceOf(memberOf(object, name) ?? null) };
  });
}

function pieceOf(value: JsonValue): Piece {
  if (typeof value === "string") return value.startsWith("$") ? { path: pathOf(value) } : { constant: value };
  if (typeof value !== "object" || value === null) return { constant: value };
  if (isObject(value)) return membersOf(value);
  throw unusable("it has an array in it; identifiers are texts, numbers and objects");
}

const STEP = /^(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\["((?:[^"\\]|\\.)*)"\]|\['([^'\\]*)'\])/;

function pathOf(text: string): readonly string[] {
  const path: string[] = [];
  let rest = text.slice(1);
  while (rest !== "") {
    const step = STEP.exec(rest);
    const name = step === null ? null : nameIn(step);
    if (step === null || name === null) {
      throw unusable(`${JSON.stringify(text)} is no path; write $.name, $.a.b or $["name"]`);
    }
    path.push(name);
    rest = rest.slice(step[0].length);
  }
  if (path.length === 0) throw unusable('"$" alone names no claim; write $.name');
  return path;
}

function nameIn(step: RegExpExecArray): string | null {
  const [, plain, doubleQuoted, singleQuoted] = step;
  if (doubleQuoted === undefined) return plain ?? singleQuoted ?? null;
  try {
    return JSON.parse(`"${doubleQuoted}"`);
  } catch {
    return null;
  }
}

function usesClaims(members: readonly Member[]): boolean {
  return members.some(({ piece }) => ("path" in piece ? true : isMembers(piece) && usesClaims(piece)));
}

function print(members: readonly Member[], claims: Claims): string | { readonly rule: Rule } {
  let text = "";
  for (const { name, piece } of members) {
    const value = printPiece(piece, claims);
    if (typeof value !== "string") return value;
    text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${value}`;
  }
  return `{${text}}`;
}

function printPiece(piece: Piece, claims: Claims): string | { readonly rule: Rule } {
  if (isMembers(piece)) return print(piece, claims);
  if ("constant" in piece) return JSON.stringify(piece.constant);
  const value = valueAt(piece.path, claims);
  if (value === undefined || value === null) return { rule: RULES.claim_missing };
  if (typeof value === "object") return { rule: RULES.claim_not_plain };
  // The numbers of two users could be rounded to one.
  if (typeof value === "number" && !Number.isSafeInteger(value)) return { rule: RULES.claim_not_exact };
  if (typeof value === "string" && !value.isWellFormed()) return { rule: RULES.claim_not_text };
  return JSON.stringify(value);
}

function valueAt(path: readonly string[], claims: Claims): JsonValue | undefined {
  let value: JsonValue | undefined = claims;
  for (const name of path) {
    if (value === undefined || !isObject(value)) return undefined;
    value = memberOf(value, name);
  }
  return value;
}

function isMembers(piece: Piece): piece is readonly Member[] {
  return Array.isArray(piece);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
