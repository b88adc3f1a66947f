import { messageOf } from "@hawser/core/errors";
import { readCertificate } from "../../app/certificate.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { certificateEndMs } from "../../drivers/certificate.ts";
import { type Finding, findingsOf } from "./finding.ts";

const DAY_MS = 86_400_000;
/** Automatic renewal takes place a month ahead; half of that says that it did not. */
const SOON_DAYS = 14;

/** Whether the certificate of `--ssl_cert` can be served, and for how long. */
export function checkCertificate({ server }: ResolvedConfig, nowMs: number): Finding[] {
  if (server.tls === null) return [];
  const found = findingsOf("certificate");
  try {
    const days = Math.floor((certificateEndMs(readCertificate(server.tls).cert) - nowMs) / DAY_MS);
    const { certPath } = server.tls;
    if (days < 0)
      return [found.fail(`${certPath} has expired`, "renew it; the server takes it up by itself")];
    if (days < SOON_DAYS) {
      return [found.warn(`${certPath} expires in ${days} days`, "see why it was not renewed")];
    }
    return [found.ok(`${certPath} is good for ${days} days`)];
  } catch (thrown) {
    return [found.fail(messageOf(thrown), "correct --ssl_cert and --ssl_key")];
  }
}
