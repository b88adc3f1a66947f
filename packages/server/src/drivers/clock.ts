import type { Cancel, Clock } from "@hawser/core/clock";

/** The longest delay that a timer of the runtime takes; a longer one would fire at once. */
const MAX_DELAY_MS = 2_147_483_647;

/** The machine's time. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after,
  every: (intervalMs, run) => {
    const timer = setInterval(run, Math.min(intervalMs, MAX_DELAY_MS));
    return () => clearInterval(timer);
  },
};

function after(delayMs: number, run: () => void): Cancel {
  if (delayMs <= MAX_DELAY_MS) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  }
  let cancel: Cancel = () => {};
  const timer = setTimeout(() => {
    cancel = after(delayMs - MAX_DELAY_MS, run);
  }, MAX_DELAY_MS);
  cancel = () => clearTimeout(timer);
  return () => cancel();
}
