/** A number of 53 bits that two different texts do not have in common but by chance; the same in every thread of a process. */
export function textHash(text: string): number {
  // `as`: of a text the runtime makes 64 bits.
  return Number((Bun.hash(text) as bigint) >> 11n);
}
