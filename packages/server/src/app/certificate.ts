import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { certificateFault } from "../drivers/certificate.ts";
import type { TlsFiles } from "../drivers/http.ts";
import { readNamedFile } from "./named-file.ts";

export interface CertificatePaths {
  readonly certPath: string;
  readonly keyPath: string;
}

/** A renewed certificate is picked up this soon. Both files are small, and symlinks are followed anew each time. */
const CHECK_INTERVAL_MS = 1000;

/** @throws CableError `io_failed` or `config_invalid`, naming the file and what is wrong with it. */
export function readCertificate({ certPath, keyPath }: CertificatePaths): TlsFiles {
  const files = { cert: readNamedFile(certPath, "--ssl_cert"), key: readNamedFile(keyPath, "--ssl_key") };
  const fault = certificateFault(files.cert, files.key);
  if (fault === null) return files;
  const what = {
    certificate: `read ${certPath} (--ssl_cert): it holds no certificate in PEM form`,
    key: `read ${keyPath} (--ssl_key): it holds no private key in PEM form, or one with a passphrase`,
    pair: `use ${certPath} (--ssl_cert) with ${keyPath} (--ssl_key): the key belongs to another certificate`,
  }[fault];
  throw new CableError("config_invalid", `${what}; the server needs a pair that belongs together`);
}

/** Calls `use` with every new pair of files. A pair that `use` refuses is said once and leaves the old one in force. */
export function watchCertificate(
  paths: CertificatePaths,
  current: TlsFiles,
  parts: { readonly clock: Clock; readonly log: Log; readonly use: (files: TlsFiles) => void },
): Cancel {
  let inUse = current;
  let complaint = "";
  return parts.clock.every(CHECK_INTERVAL_MS, () => {
    try {
      const found = readCertificate(paths);
      complaint = "";
      if (found.cert === inUse.cert && found.key === inUse.key) return;
      parts.use(found);
      inUse = found;
      parts.log.info("TLS certificate reloaded", { cert: paths.certPath });
    } catch (thrown) {
      // Between the writing of the one file and of the other they do not fit; the next look sees them both.
      if (messageOf(thrown) === complaint) return;
      complaint = messageOf(thrown);
      parts.log.error("TLS certificate was not reloaded; the old one stays in use", { error: complaint });
    }
  });
}
