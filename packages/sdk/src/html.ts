const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const ATTRIBUTE_NAME = /^[a-zA-Z][a-zA-Z0-9-]*$/;

/** Text that may stand in HTML, in an attribute as well. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/**
 * Attributes as they stand in a tag.
 *
 * @throws Error for a name that is none.
 */
export function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => {
      if (ATTRIBUTE_NAME.test(name)) return `${name}="${escapeHtml(value)}"`;
      throw new Error(`Cannot write HTML: ${JSON.stringify(name)} is no name of an attribute.`);
    })
    .join(" ");
}
