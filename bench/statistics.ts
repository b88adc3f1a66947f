/** The middle of the figures; of an even number of them, the mean of the two in the middle. Throws on none. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error("a median of no figures was asked for");
  return (lower + upper) / 2;
}

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What a report says of one figure over the rounds. Throws on none. */
export function summarize(figures: readonly number[]): Summary {
  return { median: median(figures), least: Math.min(...figures), most: Math.max(...figures) };
}
