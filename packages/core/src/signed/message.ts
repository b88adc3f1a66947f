import { decodeAnyBase64, encodeBase64 } from "../wire/base64.ts";
import type { JsonValue } from "../wire/strict-json.ts";
import { decodeUtf8, encodeUtf8 } from "../wire/utf8.ts";
import type { MessageKey } from "./message-key.ts";

/**
 * Messages signed as Rails does (ActiveSupport::MessageVerifier with `digest: "SHA256", serializer: JSON`; anycable
 * utils/message_verifier.go@1.6.16): the base64 of the payload's JSON, two dashes, and the base64's HMAC-SHA256 in hex.
 */
export type MessageVerdict =
  | { readonly verified: true; readonly payload: JsonValue; readonly key: MessageKey }
  /** `why` is a phrase for the operator, and quotes nothing of the message. */
  | { readonly verified: false; readonly why: string };

const SEPARATOR = "--";
const SIGNATURE = /^[0-9a-f]{64}$/;
const SIGNATURE_LENGTH = 64;

export function signMessage(payload: JsonValue, key: Pick<MessageKey, "sign">): string {
  const encoded = encodeBase64(encodeUtf8(JSON.stringify(payload)));
  return encoded + SEPARATOR + key.sign(encoded);
}

/**
 * Judges a message, whatever string it is. Never throws. The signature comes before the content: what is decoded was
 * written by somebody who has a key.
 *
 * DEVIATION: D16. The reference takes the standard alphabet with padding alone.
 */
export function verifyMessage(message: string, keys: readonly MessageKey[]): MessageVerdict {
  if (keys.length === 0) return refuse("there is no key to check signatures with");
  // From the end: base64 for URLs may itself hold two dashes.
  const end = message.length - SIGNATURE_LENGTH - SEPARATOR.length;
  if (end < 1 || !message.startsWith(SEPARATOR, end)) return refuse("not a signed message");
  const encoded = message.slice(0, end);
  const signature = message.slice(end + SEPARATOR.length);
  if (!SIGNATURE.test(signature)) return refuse("not a signed message");
  for (const key of keys) {
    if (key.verify(encoded, signature)) return decode(encoded, key);
  }
  return refuse("no key gives this signature");
}

function decode(encoded: string, key: MessageKey): MessageVerdict {
  const bytes = decodeAnyBase64(encoded);
  const text = bytes === null ? null : decodeUtf8(bytes, 0, bytes.length);
  if (text === null) return refuse("well signed, but not base64 of UTF-8");
  try {
    return { verified: true, payload: JSON.parse(text), key };
  } catch {
    return refuse("well signed, but not JSON");
  }
}

function refuse(why: string): MessageVerdict {
  return { verified: false, why };
}
