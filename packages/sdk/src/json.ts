import type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";

/**
 * The JSON text of `value`.
 *
 * @throws Error when it has none: undefined, a function, a symbol.
 */
export function jsonOf(value: unknown, purpose: string): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new Error(`Cannot ${purpose}: ${typeof value} is not JSON. Pass null, or an object.`);
  }
  return text;
}

/** The JSON value of `text`; the text itself when it is not JSON. */
export function valueOrText(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The JSON object of `text`, or null when it is anything else. */
export function objectIn(text: string): JsonObject | null {
  try {
    const value: JsonValue = JSON.parse(text);
    // Arrays are objects to JavaScript; `Array.isArray` does not narrow readonly arrays away, hence the cast.
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : null;
  } catch {
    return null;
  }
}
