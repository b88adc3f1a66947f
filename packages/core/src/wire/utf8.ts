/** How many code units go to one `String.fromCharCode`; engines limit the number of arguments. */
const UNITS_A_CALL = 4096;

/**
 * Decodes the UTF-8 in `bytes` from `from` up to `to` (RFC 3629), and refuses instead of replacing: overlong forms,
 * surrogates, values above U+10FFFF, cut-off sequences, and a byte order mark at the start, which RFC 8259 8.1 forbids
 * in JSON that travels.
 *
 * @returns the text, or null when the bytes are not well-formed.
 */
export function decodeUtf8(bytes: Uint8Array, from: number, to: number): string | null {
  let at = from;
  while (at < to && byteAt(bytes, at) < 0x80) at++;
  if (at === to) return textOfUnits(bytes, from, to);
  if (hasByteOrderMark(bytes, from, to)) return null;
  return decodeMultibyte(bytes, from, to);
}

/** UTF-8 of `text`; half of a surrogate pair becomes U+FFFD, as in the Encoding Standard. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const point = scalarAt(text, at);
    if (point > 0xffff) at++;
    length = writeScalar(bytes, length, point);
  }
  return bytes.slice(0, length);
}

/**
 * Whole pieces at a time: text put together character by character is a rope, and flattening it for a JSON parser costs
 * more than all the rest (1.1 us against 0.7 us for 85 bytes, 25 us against 9 us for 3 KB, parsed, under Bun).
 */
function textOfUnits(units: Uint8Array | Uint16Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at += UNITS_A_CALL) {
    const part = units.subarray(at, Math.min(to, at + UNITS_A_CALL));
    // `apply` takes any array-like; TypeScript's library types ask for an array of numbers.
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

function hasByteOrderMark(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= 3 && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf;
}

function decodeMultibyte(bytes: Uint8Array, from: number, to: number): string | null {
  const units = new Uint16Array(to - from);
  let length = 0;
  for (let at = from; at < to; ) {
    const lead = byteAt(bytes, at);
    const size = sequenceLength(lead);
    if (size === 0 || at + size > to) return null;
    const point = scalarOf(bytes, at, lead, size);
    if (point < 0) return null;
    if (point > 0xffff) {
      units[length++] = 0xd800 + ((point - 0x10000) >> 10);
      units[length++] = 0xdc00 + ((point - 0x10000) & 0x3ff);
    } else {
      units[length++] = point;
    }
    at += size;
  }
  return textOfUnits(units, 0, length);
}

/** By the leading byte; 0 for one that cannot lead (RFC 3629 4: 80-C1 and F5-FF never do). */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/** The scalar value of the sequence of `size` bytes at `at`, or -1. */
function scalarOf(bytes: Uint8Array, at: number, lead: number, size: number): number {
  if (size === 1) return lead;
  let point = lead & (0x7f >> size);
  for (let next = at + 1; next < at + size; next++) {
    const byte = byteAt(bytes, next);
    if ((byte & 0xc0) !== 0x80) return -1;
    point = (point << 6) | (byte & 0x3f);
  }
  if (size === 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return -1;
  if (size === 4 && (point < 0x10000 || point > 0x10ffff)) return -1;
  return point;
}

function scalarAt(text: string, at: number): number {
  const point = text.codePointAt(at) ?? 0xfffd;
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
}

function writeScalar(bytes: Uint8Array, length: number, point: number): number {
  if (point < 0x80) {
    bytes[length++] = point;
  } else if (point < 0x800) {
    bytes[length++] = 0xc0 | (point >> 6);
    bytes[length++] = 0x80 | (point & 0x3f);
  } else if (point < 0x10000) {
    bytes[length++] = 0xe0 | (point >> 12);
    bytes[length++] = 0x80 | ((point >> 6) & 0x3f);
    bytes[length++] = 0x80 | (point & 0x3f);
  } else {
    bytes[length++] = 0xf0 | (point >> 18);
    bytes[length++] = 0x80 | ((point >> 12) & 0x3f);
    bytes[length++] = 0x80 | ((point >> 6) & 0x3f);
    bytes[length++] = 0x80 | (point & 0x3f);
  }
  return length;
}

/** The index is in range by the loops above; the fallback only satisfies the type. */
function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
