import { systemClock } from "../drivers/clock.ts";

export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(delayMs, resolve);
  });
}

/** Waits for what is to be done, but no longer than that. */
export async function atMost(limitMs: number, done: Promise<unknown>): Promise<void> {
  let cancel: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    cancel = systemClock.after(limitMs, resolve);
  });
  await Promise.race([done, late]);
  cancel();
}
