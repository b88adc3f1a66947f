import type { Random } from "@hawser/core/random";

const FIRST_MS = 250;
/** A broker that is back is found within this. */
const LONGEST_MS = 5_000;

/** How long to wait before another attempt to connect; spread, so that nodes do not all come at once. */
export function retryDelayMs(attempt: number, random: Random): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return most * (0.5 + random.fraction() / 2);
}
