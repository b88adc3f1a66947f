import { createHmac } from "node:crypto";

/** The secret of every server here that looks at signed stream names. */
export const STREAMS_SECRET = "s3Krit";

/** The signature that an owner of the secret gives for this text, behind it. */
export function signedText(encoded: string, secret = STREAMS_SECRET, hash = "sha256"): string {
  return `${encoded}--${createHmac(hash, secret).update(encoded, "utf8").digest("hex")}`;
}

/** JSON text, signed in the way of Rails. */
export function signedJson(json: string, secret?: string): string {
  return signedText(Buffer.from(json).toString("base64"), secret);
}

export function signedName(stream: string, secret?: string): string {
  return signedJson(JSON.stringify(stream), secret);
}

/** In the alphabet for URLs, as the Ruby SDK writes it. */
export function urlSafeName(stream: string, secret?: string): string {
  const encoded = Buffer.from(JSON.stringify(stream)).toString("base64url");
  return signedText(encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "="), secret);
}

/** Identifiers of the three channels. */
export const pubsub = (signed: unknown, more: object = {}) =>
  JSON.stringify({ channel: "$pubsub", signed_stream_name: signed, ...more });
export const turbo = (signed: unknown, more: object = {}) =>
  JSON.stringify({ channel: "Turbo::StreamsChannel", signed_stream_name: signed, ...more });
export const cableReady = (signed: unknown, more: object = {}) =>
  JSON.stringify({ channel: "CableReady::Stream", identifier: signed, ...more });

/** Those that are one thing each: what a client may do on `$pubsub` beside following does not exist there. */
export const FOLLOWED_ONLY = { "Turbo::StreamsChannel": turbo, "CableReady::Stream": cableReady };
