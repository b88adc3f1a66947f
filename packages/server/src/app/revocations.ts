import type { RevocationBook } from "@hawser/core/engine/revocation-terms";
import { Revocations } from "@hawser/core/jwt/revocation/revocations";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import { RevocationsFile } from "../keys/revocation/revocations-file.ts";
import { isBrokerShared } from "./broker.ts";

/** The revocations that the server begins with, and their file. */
export interface ReadRevocations {
  readonly book: RevocationBook;
  /** Not before it is sure that the server starts: one that runs and has the same file could not write to it any more. */
  readonly open: () => void;
  readonly close: () => void;
}

/**
 * @param share lets other servers find what was added.
 * @throws CableError when `--revocations_file` cannot be used.
 */
export function readRevocations(
  { revocation, jwt, broker }: ResolvedConfig,
  share: NonNullable<RevocationBook["share"]>,
): ReadRevocations {
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
      share: isBrokerShared(broker) ? share : null,
    },
    open: () => file?.open(),
    close: () => file?.close(),
  };
}
