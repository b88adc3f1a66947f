import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { readTextFile } from "../drivers/files.ts";
import type { TlsFiles } from "../drivers/http.ts";

export interface CertificatePaths {
  readonly certPath: string;
  readonly keyPath: string;
}

/** A renewed certificate is picked up this soon. Both files are small, and symlinks are followed anew each time. */
const CHECK_INTERVAL_MS = 1000;

/** @throws CableError `io_failed` naming the file that cannot be read. */
export function readCertificate({ certPath, keyPath }: CertificatePaths): TlsFiles {
  return { cert: readPem(certPath, "--ssl_cert"), key: readPem(keyPath, "--ssl_key") };
}

function readPem(path: string, option: string): string {
  try {
    return readTextFile(path);
  } catch (thrown) {
    throw new CableError(
      "io_failed",
      `read ${path} (${option}): ${messageOf(thrown)}; check the path and its permissions`,
      {
        cause: thrown,
      },
    );
  }
}

/** Calls `use` with every new pair of files. A pair that `use` refuses is said once and leaves the old one in force. */
export function watchCertificate(
  paths: CertificatePaths,
  current: TlsFiles,
  parts: { readonly clock: Clock; readonly log: Log; readonly use: (files: TlsFiles) => void },
): Cancel {
  let seen = current;
  return parts.clock.every(CHECK_INTERVAL_MS, () => {
    try {
      const now = readCertificate(paths);
      if (now.cert === seen.cert && now.key === seen.key) return;
      seen = now;
      parts.use(now);
      parts.log.info("TLS certificate reloaded", { cert: paths.certPath });
    } catch (thrown) {
      parts.log.error("TLS certificate was not reloaded; the old one stays in use", {
        error: messageOf(thrown),
      });
    }
  });
}
