/**
 * The text of one member's value in a JSON object, byte for byte: parsing and printing it anew would round large
 * integers. Null where there is no such member at the top. The last of several counts, as for `JSON.parse`.
 *
 * @param json text that `JSON.parse` takes, and that is an object.
 */
export function memberText(json: string, wanted: string): string | null {
  let found: string | null = null;
  for (let at = json.indexOf("{") + 1; ; at += 1) {
    const nameStart = json.indexOf('"', at);
    if (nameStart < 0) return found;
    const nameEnd = endOfString(json, nameStart);
    const start = json.indexOf(":", nameEnd) + 1;
    const end = endOfValue(json, start);
    if (JSON.parse(json.slice(nameStart, nameEnd)) === wanted) found = json.slice(start, end).trim();
    at = end;
  }
}

/** One past the quote that closes the string which opens at `at`. */
export function endOfString(json: string, at: number): number {
  for (let end = json.indexOf('"', at + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return json.length;
}

/** Where the comma or the brace stands that ends the value which begins at `at`. */
function endOfValue(json: string, at: number): number {
  const marks = /["{}[\],]/g;
  marks.lastIndex = at;
  let depth = 0;
  for (let mark = marks.exec(json); mark !== null; mark = marks.exec(json)) {
    const [sign] = mark;
    if (sign === '"') {
      marks.lastIndex = endOfString(json, mark.index);
    } else if (sign === "{" || sign === "[") {
      depth += 1;
    } else if (depth === 0) {
      return mark.index; // of the object's own comma or brace
    } else if (sign !== ",") {
      depth -= 1;
    }
  }
  return json.length;
}
