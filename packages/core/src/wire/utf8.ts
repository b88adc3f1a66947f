/** The Encoding Standard's decoder: every runtime has it, and it neither reads nor keeps anything. */
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

declare const TextEncoder: new () => {
  encodeInto(text: string, into: Uint8Array): { readonly written: number };
};

const ENCODER = new TextEncoder();

const STRICT_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes the UTF-8 in `bytes` from `from` up to `to` (RFC 3629), and refuses instead of replacing: overlong forms,
 * surrogates, values above U+10FFFF, cut-off sequences, and a byte order mark at the start, which RFC 8259 8.1 forbids
 * in JSON that travels.
 *
 * @returns the text, or null when the bytes are not well-formed.
 */
export function decodeUtf8(bytes: Uint8Array, from: number, to: number): string | null {
  if (hasByteOrderMark(bytes, from, to)) return null;
  try {
    return STRICT_DECODER.decode(bytes.subarray(from, to));
  } catch {
    return null;
  }
}

function hasByteOrderMark(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= 3 && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf;
}

/** UTF-8 of `text`; half of a surrogate pair becomes U+FFFD, as in the Encoding Standard. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * MAX_UTF8_PER_UNIT);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const point = scalarAt(text, at);
    if (point > 0xffff) at++;
    length = writeScalar(bytes, length, point);
  }
  return bytes.slice(0, length);
}

/** The most bytes that a UTF-16 unit of text takes. */
export const MAX_UTF8_PER_UNIT = 3;

/** Writes UTF-8 of `text` to the start of `into`, which has room for it, and returns its length. */
export function writeUtf8(text: string, into: Uint8Array): number {
  return ENCODER.encodeInto(text, into).written;
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
