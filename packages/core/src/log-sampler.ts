import type { Cancel, Clock } from "./clock.ts";
import type { Log, LogFields, LogLevel } from "./log.ts";

export interface LogSamplerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Lines of one level that are written in a window; the rest are counted. */
  readonly perWindow: number;
  readonly windowMs: number;
}

/** Keeps lines that clients can cause at will from flooding the log. Its functions may be passed around alone. */
export interface LogSampler {
  /**
   * Writes the line, or counts it when its level has had its share of this window.
   *
   * @param kind what the count is kept by: a reason code, from a closed set.
   */
  write(level: LogLevel, kind: string, message: string, fields: LogFields): void;
  /** Says now what has been left out so far and stops the timer. For shutdown. */
  close(): void;
}

/** A caller's mistake (a kind made of peer input) must not grow the map. */
const MAX_KINDS = 64;

interface LevelState {
  readonly level: LogLevel;
  windowEndMs: number;
  written: number;
  readonly leftOut: Map<string, number>;
  cancel: Cancel | null;
}

/**
 * At most `perWindow` lines a level and window. A window begins with its first line; when one in which lines were left
 * out is over, one line of the same level says how many of each kind. Levels are apart so that a flood of refusals
 * never hides an error.
 */
export function createLogSampler(options: LogSamplerOptions): LogSampler {
  const { clock, log, perWindow, windowMs } = options;
  const states = new Map<LogLevel, LevelState>();

  function write(level: LogLevel, kind: string, message: string, fields: LogFields): void {
    if (!log.enabled(level)) return;
    const state = stateOf(level);
    const nowMs = clock.monotonicMs();
    if (nowMs >= state.windowEndMs) {
      report(state);
      state.windowEndMs = nowMs + windowMs;
      state.written = 0;
    }
    if (state.written < perWindow) {
      state.written += 1;
      log[level](message, fields);
      return;
    }
    const counted = state.leftOut.has(kind) || state.leftOut.size < MAX_KINDS ? kind : "other";
    state.leftOut.set(counted, (state.leftOut.get(counted) ?? 0) + 1);
    state.cancel ??= clock.after(state.windowEndMs - nowMs, () => report(state));
  }

  function stateOf(level: LogLevel): LevelState {
    let state = states.get(level);
    if (state === undefined) {
      state = { level, windowEndMs: Number.NEGATIVE_INFINITY, written: 0, leftOut: new Map(), cancel: null };
      states.set(level, state);
    }
    return state;
  }

  function report(state: LevelState): void {
    state.cancel?.();
    state.cancel = null;
    if (state.leftOut.size === 0) return;
    const byCount = [...state.leftOut].sort((a, b) => b[1] - a[1]);
    state.leftOut.clear();
    log[state.level]("similar lines left out", {
      left_out: byCount.reduce((sum, [, count]) => sum + count, 0),
      kinds: byCount.map(([kind, count]) => `${kind}:${count}`).join(","),
    });
  }

  return {
    write,
    close: () => {
      for (const state of states.values()) report(state);
    },
  };
}

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
