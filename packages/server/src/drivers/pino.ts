import { writeSync } from "node:fs";
import type { LogFields, LogLevel } from "@hawser/core/log";
import { pino } from "pino";

const STDOUT = 1;
const STDERR = 2;

/** What is kept for a full disk to take later; then lines are dropped rather than memory spent. */
const MAX_UNWRITTEN_BYTES = 8 * 1024 * 1024;

/**
 * Writes whole lines to standard output before it returns, so that none is lost when the process ends. A full pipe is
 * waited for; a reader that has gone is forgotten; any other failure is said once on standard error.
 *
 * @returns takes a line with its line end.
 */
export function stdoutWriter(): (line: string) => void {
  const destination = pino.destination({ fd: STDOUT, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  let told = false;
  // Without a listener a full disk would end the process. A broken pipe is pino's own business.
  destination.on("error", (error: Error & { code?: string }) => {
    if (told || error.code === "EPIPE") return;
    told = true;
    writeSync(
      STDERR,
      `cannot write log lines to standard output: ${error.message}; some are kept until it works, the rest is lost\n`,
    );
  });
  return (line) => {
    destination.write(line);
  };
}

/**
 * Prints log lines as JSON objects with `time` (RFC 3339, UTC), `level` (upper case) and `msg` (anycable
 * logger/config.go@1.6.16, which is Go's slog).
 *
 * @param nowMs wall time in milliseconds.
 * @returns prints one line; `fields` must not be named like the three above.
 */
export function createJsonLines(
  write: (line: string) => void,
  nowMs: () => number,
): (level: LogLevel, message: string, fields: LogFields) => void {
  const logger = pino(
    {
      // Levels are decided before this, and process id and host are not among the reference's fields.
      level: "debug",
      base: null,
      timestamp: () => `,"time":"${new Date(nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
    },
    { write },
  );
  return (level, message, fields) => logger[level](fields, message);
}
