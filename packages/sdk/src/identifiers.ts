import { jsonOf } from "./json.ts";

/**
 * The text of identifiers, as tokens and the server carry it: that of an object is its JSON.
 *
 * @throws Error when an object has no JSON.
 */
export function identifiersTextOf(identifiers: object | string): string {
  return typeof identifiers === "string" ? identifiers : jsonOf(identifiers, "issue identifiers");
}
