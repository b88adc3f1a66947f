import type { Log, LogFields, LogLevel } from "../log.ts";

export interface RecordedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines, those of its children (`with`) among them, in the order they were written. */
export class RecordingLog implements Log {
  readonly lines: RecordedLine[];
  readonly #fields: LogFields;
  readonly #silenced: ReadonlySet<LogLevel>;

  /** @param silenced levels for which `enabled` is false and nothing is kept. */
  constructor(silenced: Iterable<LogLevel> = [], lines: RecordedLine[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
    this.#silenced = new Set(silenced);
  }

  enabled(level: LogLevel): boolean {
    return !this.#silenced.has(level);
  }

  debug(message: string, fields?: LogFields): void {
    this.#keep("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#keep("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#keep("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#keep("error", message, fields);
  }

  with(fields: LogFields): Log {
    return new RecordingLog(this.#silenced, this.lines, { ...this.#fields, ...fields });
  }

  /** Whatever was written so far as one text, for searching it. */
  text(): string {
    return this.lines
      .map((line) => `${line.level} ${line.message} ${JSON.stringify(line.fields)}`)
      .join("\n");
  }

  #keep(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (this.enabled(level)) this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}
