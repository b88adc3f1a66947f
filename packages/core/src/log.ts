export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values that a log line may carry. Never a token, a secret, or a URL with its query. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Where log lines go. `with` gives a logger whose lines all carry `fields` (AnyCable's `context`, `sid`, ...). */
export interface Log {
  /** False when a line of this level would be dropped; ask before building an expensive one. */
  enabled(level: LogLevel): boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  with(fields: LogFields): Log;
}
