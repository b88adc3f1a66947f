import { systemClock } from "../../drivers/clock.ts";

/** For a thread that is asked and busy. */
export const PATIENCE_MS = 2_000;

/** Waits for what is to be done, but no longer than that. */
export async function atMost(limitMs: number, done: Promise<unknown>): Promise<void> {
  let cancel: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = systemClock.after(limitMs, resolve);
  });
  await Promise.race([done, late]);
  cancel();
}
