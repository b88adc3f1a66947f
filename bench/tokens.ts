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
): string {
  const claims = {
    ext: JSON.stringify(identity),
    exp: issuedAtSeconds + lifetimeSeconds,
    iat: issuedAtSeconds,
  };
  const signed = `${segment({ alg: "HS256", typ: "JWT" })}.${segment(claims)}`;
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
