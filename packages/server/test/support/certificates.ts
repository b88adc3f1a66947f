import { readFileSync } from "node:fs";
import { join } from "node:path";

/** True where the `openssl` program can make certificates. */
export const HAS_OPENSSL = Bun.which("openssl") !== null;

export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** A self-signed certificate for 127.0.0.1 and localhost; `commonName` tells one from another. */
export function makeCertificate(folder: string, commonName: string): Certificate {
  const certPath = join(folder, `${commonName}.crt`);
  const keyPath = join(folder, `${commonName}.key`);
  const made = Bun.spawnSync([
    "openssl",
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${commonName}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
    ...["-keyout", keyPath, "-out", certPath],
  ]);
  if (made.exitCode !== 0) throw new Error(`openssl req: ${made.stderr}`);
  return {
    certPath,
    keyPath,
    cert: readFileSync(certPath, "utf8"),
    key: readFileSync(keyPath, "utf8"),
  };
}
