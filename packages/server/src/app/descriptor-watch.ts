import type { Cancel, Clock } from "@hawser/core/clock";
import type { Log } from "@hawser/core/log";

export interface DescriptorWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this process may open one more file. */
  readonly isOneLeft: () => boolean;
}

const LOOK_MS = 1000;

/**
 * Says when the process has no descriptors left. Sessions are kept from taking the last ones, but connections that have
 * said nothing yet count as well; the runtime then leaves new clients unanswered, and tells nobody.
 */
export function watchDescriptors({ clock, log, isOneLeft }: DescriptorWatchParts): Cancel {
  let out = false;
  return clock.every(LOOK_MS, () => {
    if (isOneLeft() !== out) return;
    out = !out;
    if (out) {
      log.error(
        "no file descriptors left: new clients are not answered until connections end; raise the limit (ulimit -n), " +
          "and limit connections for an address in the proxy",
      );
    } else {
      log.info("file descriptors are free again");
    }
  });
}
