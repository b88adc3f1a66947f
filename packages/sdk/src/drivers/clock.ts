/** Wall time in milliseconds since the Unix epoch. */
export const systemClock = { nowMs: (): number => Date.now() };
