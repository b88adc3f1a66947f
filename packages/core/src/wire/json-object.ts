/** The JSON object that a text is; null for any other text. Of arrays it is the elements by their numbers. */
export function jsonObjectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null ? { ...found } : null;
  } catch {
    return null;
  }
}
