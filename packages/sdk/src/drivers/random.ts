import type { Random } from "@hawser/core/random";

/** Chance for delays, not for secrets. */
export const systemRandom: Pick<Random, "fraction"> = { fraction: () => Math.random() };
