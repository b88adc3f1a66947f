/** Stops a timer. Calling it twice is harmless. */
export type Cancel = () => void;

/** Time, as the core is allowed to know it. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; may jump. For claims and log lines. */
  nowMs(): number;
  /** Milliseconds since some start; never goes back. For intervals and deadlines. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`. */
  after(delayMs: number, run: () => void): Cancel;
  /** Calls `run` every `intervalMs`. */
  every(intervalMs: number, run: () => void): Cancel;
}
