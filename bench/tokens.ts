import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { temporaryFile } from "./cache.ts";

/** The secret of every server that the bench starts; worth nothing anywhere else. */
export const BENCH_SECRET = "s3cr3t";

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs a token as an application would: HS256, an identity in `ext`, `iat` and `exp`. */
export function signToken(
  secret: string,
  identity: object,
  issuedAtSeconds: number,
  lifetimeSeconds: number,
  header: object = {},
): string {
  const claims = {
    ext: JSON.stringify(identity),
    exp: issuedAtSeconds + lifetimeSeconds,
    iat: issuedAtSeconds,
  };
  const signed = `${segment({ alg: "HS256", typ: "JWT", ...header })}.${segment(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Writes `count` tokens, one user each and good for ten hours, one a line; returns the file's path. */
export function writeTokens(count: number): string {
  const path = temporaryFile("tokens.txt");
  const now = Math.floor(Date.now() / 1000);
  const lines = Array.from({ length: count }, (_, i) => signToken(BENCH_SECRET, { user_id: i }, now, 36_000));
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return path;
}

/** The text of a channel identifier with a stream name that is signed as Rails does. */
function signedIdentifier(stream: string): string {
  const encoded = Buffer.from(JSON.stringify(stream)).toString("base64");
  const signature = createHmac("sha256", BENCH_SECRET).update(encoded).digest("hex");
  return JSON.stringify({ channel: "$pubsub", signed_stream_name: `${encoded}--${signature}` });
}

/** Writes the identifiers of `count` signed streams as JSON strings, one a line; returns the file's path. */
export function writeSignedStreams(count: number): string {
  const path = temporaryFile("streams.txt");
  const lines = Array.from({ length: count }, (_, i) => JSON.stringify(signedIdentifier(`users/${i}/inbox`)));
  writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return path;
}
