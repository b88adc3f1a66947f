/**
 * What a server lets the others know of its key ring: marks of its keys, which give nothing away. Keys that an issuer
 * publishes are not in it: each server fetches them by its own schedule.
 */
export interface RingReport {
  /** Of one process, from its start to its end. */
  readonly server: string;
  /** For people: the machine and the process. */
  readonly name: string;
  /** When the keys were taken into force, in milliseconds since the epoch. */
  readonly takenMs: number;
  /** Of keys whose tokens are taken for as long as they are configured, in order. */
  readonly keys: readonly string[];
  /** Of former keys whose tokens are still taken for a while: a server that started later does not have them. */
  readonly passing: readonly string[];
}

/** How another server's ring differs from one's own. */
export interface RingDifference {
  /** Marks of keys that are here and not there. */
  readonly missingThere: readonly string[];
  readonly missingHere: readonly string[];
}

/** Null when both take the same tokens, but for those whose time is nearly over. */
export function ringDifference(own: RingReport, other: RingReport): RingDifference | null {
  const missingThere = missingIn(other, own.keys);
  const missingHere = missingIn(own, other.keys);
  return missingThere.length + missingHere.length === 0 ? null : { missingThere, missingHere };
}

function missingIn({ keys, passing }: RingReport, wanted: readonly string[]): readonly string[] {
  return wanted.filter((mark) => !keys.includes(mark) && !passing.includes(mark));
}

export function ringReportText(report: RingReport): string {
  return JSON.stringify(report);
}

/** What another server has written, which may be of another version; null for what is no report. */
export function readRingReport(text: string): RingReport | null {
  try {
    const found: Partial<Record<keyof RingReport, unknown>> | null = JSON.parse(text);
    if (typeof found !== "object" || found === null) return null;
    const { server, name, takenMs, keys, passing } = found;
    if (typeof server !== "string" || typeof name !== "string" || typeof takenMs !== "number") return null;
    return isTexts(keys) && isTexts(passing) ? { server, name, takenMs, keys, passing } : null;
  } catch {
    return null;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
