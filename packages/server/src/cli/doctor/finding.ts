/** `warn`: worth a look, and no reason to fail. `skip`: nothing to look at. */
export type Level = "ok" | "warn" | "fail" | "skip";

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly text: string;
  /** What to do; null where nothing is to be done, or the text says it. */
  readonly advice: string | null;
}

/** Findings of one check, by their level. */
export interface Findings {
  ok(text: string): Finding;
  warn(text: string, advice?: string): Finding;
  fail(text: string, advice: string): Finding;
  skip(text: string, advice?: string): Finding;
}

export function findingsOf(check: string): Findings {
  return {
    ok: (text) => ({ check, level: "ok", text, advice: null }),
    warn: (text, advice) => ({ check, level: "warn", text, advice: advice ?? null }),
    fail: (text, advice) => ({ check, level: "fail", text, advice }),
    skip: (text, advice) => ({ check, level: "skip", text, advice: advice ?? null }),
  };
}
