import type { RevocationBook } from "@hawser/core/engine/revocation-terms";
import { Revocations } from "@hawser/core/jwt/revocation/revocations";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import { RevocationsFile } from "../keys/revocation/revocations-file.ts";

/** The revocations that the server begins with, and what has to be closed at its end. */
export interface OpenedRevocations {
  readonly book: RevocationBook;
  readonly close: () => void;
}

/** @throws CableError when `--revocations_file` cannot be used. */
export function openRevocations({ revocation, jwt }: ResolvedConfig): OpenedRevocations {
  const { filePath, limit, maxTtlMs } = revocation;
  const inForce = new Revocations(limit);
  const file = filePath === null ? null : new RevocationsFile(filePath, inForce, systemClock.nowMs());
  const lifetimesS = [jwt.main, ...jwt.issuers].map(
    ({ maxLifetimeS }) => maxLifetimeS ?? Number.POSITIVE_INFINITY,
  );
  const longestMs = Math.max(...lifetimesS) * 1000;
  return {
    book: {
      inForce,
      maxTtlMs,
      longestLifetimeMs: Number.isFinite(longestMs) ? longestMs : null,
      write: file === null ? null : (added) => file.write(added),
    },
    close: () => file?.close(),
  };
}
