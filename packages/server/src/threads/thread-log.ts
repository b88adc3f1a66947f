import { LeveledLog } from "@hawser/core/leveled-log";
import type { Log, LogFields, LogLevel } from "@hawser/core/log";

/** Hands a line to the thread that writes; `fields` is JSON text. */
export type SayLine = (level: LogLevel, message: string, fields: string) => void;

/** The log of a connection thread: the control thread writes its lines, so that they are one log. */
export function createThreadLog(say: SayLine, level: LogLevel, fields: LogFields = {}): Log {
  return new LeveledLog((of, message, all) => say(of, message, JSON.stringify(all)), level, fields);
}

/** Writes a line that a connection thread handed over. */
export function writeThreadLine(log: Log, level: LogLevel, message: string, fields: string): void {
  log[level](message, JSON.parse(fields));
}
