import { base64urlByteLength, decodeBase64url, encodeBase64url } from "./base64url.ts";

/** Base64 with padding (RFC 4648 4). */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeBase64url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/**
 * Decodes base64 of either alphabet (RFC 4648 4 and 5), with padding or without; line breaks in it are passed over.
 *
 * @returns the bytes, or null when the text is none of these.
 */
export function decodeAnyBase64(text: string): Uint8Array | null {
  const joined = text.replace(/[\r\n]+/g, "");
  const padding = joined.endsWith("==") ? 2 : joined.endsWith("=") ? 1 : 0;
  if (padding > 0 && joined.length % 4 !== 0) return null;
  const length = joined.length - padding;
  const bytes = new Uint8Array(base64urlByteLength(length));
  const urlSafe = joined.replaceAll("+", "-").replaceAll("/", "_");
  return decodeBase64url(urlSafe, 0, length, bytes) < 0 ? null : bytes;
}
