import type { Clock } from "@hawser/core/clock";

/** The machine's time, as far as this package needs it. Its timers keep the process alive until they fire. */
export const systemClock: Pick<Clock, "nowMs" | "monotonicMs" | "after"> = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
