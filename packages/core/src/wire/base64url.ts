const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SEXTETS = sextetsByCode();

/**
 * Where the run of base64url characters (RFC 4648 5) that starts at `from` ends: the index of the first other
 * character, or the text's length.
 */
export function endOfBase64url(text: string, from: number): number {
  const length = text.length;
  let at = from;
  while (at < length && sextet(text.charCodeAt(at)) >= 0) at++;
  return at;
}

/**
 * Whether the base64url characters in [from, to) spell some bytes in the only way that encoding those bytes gives.
 * Looks at the length and the last character alone: the caller has made sure of the alphabet.
 *
 * RFC 4648 3.5 lets a decoder ignore the unused bits of the last character; then one token has several spellings, and
 * whatever compares tokens as text can be walked around.
 */
export function isCanonicalBase64url(text: string, from: number, to: number): boolean {
  const rest = (to - from) & 3;
  if (rest === 0) return true;
  if (rest === 1) return false;
  const unusedBits = rest === 2 ? 0b1111 : 0b11;
  return (sextet(text.charCodeAt(to - 1)) & unusedBits) === 0;
}

/** The number of bytes that `characters` base64url characters stand for. */
export function base64urlByteLength(characters: number): number {
  return (characters * 3) >> 2;
}

/**
 * Decodes the characters of `text` in [from, to) into the start of `into`, which must have room for
 * `base64urlByteLength(to - from)` bytes.
 *
 * @returns the number of bytes, or -1 when the characters are not canonical base64url without padding.
 */
export function decodeBase64url(text: string, from: number, to: number, into: Uint8Array): number {
  if (!isCanonicalBase64url(text, from, to)) return -1;
  // A character outside the alphabet is -1, which makes every word it is part of negative.
  let seen = 0;
  let at = from;
  let length = 0;
  for (const wholeEnd = to - ((to - from) & 3); at < wholeEnd; at += 4) {
    const word =
      (sextet(text.charCodeAt(at)) << 18) |
      (sextet(text.charCodeAt(at + 1)) << 12) |
      (sextet(text.charCodeAt(at + 2)) << 6) |
      sextet(text.charCodeAt(at + 3));
    seen |= word;
    into[length] = word >> 16;
    into[length + 1] = word >> 8;
    into[length + 2] = word;
    length += 3;
  }
  if (at < to) {
    const word = (sextet(text.charCodeAt(at)) << 6) | sextet(text.charCodeAt(at + 1));
    const third = to - at === 3 ? sextet(text.charCodeAt(at + 2)) : 0;
    seen |= word | third;
    into[length++] = word >> 4;
    if (to - at === 3) into[length++] = (word << 4) | (third >> 2);
  }
  return seen < 0 ? -1 : length;
}

/** Canonical base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += ALPHABET.charAt(word >> 18) + ALPHABET.charAt((word >> 12) & 63);
    if (at + 1 < bytes.length) text += ALPHABET.charAt((word >> 6) & 63);
    if (at + 2 < bytes.length) text += ALPHABET.charAt(word & 63);
  }
  return text;
}

function sextet(code: number): number {
  return code < 128 ? (SEXTETS[code] ?? -1) : -1;
}

function sextetsByCode(): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let value = 0; value < ALPHABET.length; value++) values[ALPHABET.charCodeAt(value)] = value;
  return values;
}
