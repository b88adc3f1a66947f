/**
 * A length of time as people read it: `3m12s`, `1h0m5s`, `450ms`. Whole seconds from one second on; the form is Go's,
 * as in the reference's log lines.
 *
 * @param ms not negative; less than 0 reads as `0ms`.
 */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.floor(ms))}ms`;
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds % 60}s`;
  if (minutes > 0) return `${minutes}m${seconds % 60}s`;
  return `${seconds}s`;
}
