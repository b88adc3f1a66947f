import type { Log, LogFields, LogLevel } from "./log.ts";

/** Writes one line, whose level has been decided; `fields` are all that it carries. */
export type WriteLine = (level: LogLevel, message: string, fields: LogFields) => void;

const RANKS = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>;

/** A log that drops lines below its level. */
export class LeveledLog implements Log {
  readonly #write: WriteLine;
  readonly #level: LogLevel;
  readonly #fields: LogFields;
  readonly #cleaned: (fields: LogFields) => LogFields;

  /** @param cleaned makes fields fit to be written; of those that stand on every line it is asked once. */
  constructor(
    write: WriteLine,
    level: LogLevel,
    fields: LogFields = {},
    cleaned: (fields: LogFields) => LogFields = (given) => given,
  ) {
    this.#write = write;
    this.#level = level;
    this.#fields = fields;
    this.#cleaned = cleaned;
  }

  enabled(level: LogLevel): boolean {
    return RANKS[level] >= RANKS[this.#level];
  }

  debug(message: string, fields?: LogFields): void {
    this.#line("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#line("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#line("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#line("error", message, fields);
  }

  with(fields: LogFields): Log {
    const all = { ...this.#fields, ...this.#cleaned(fields) };
    return new LeveledLog(this.#write, this.#level, all, this.#cleaned);
  }

  #line(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.enabled(level)) return;
    const all = fields === undefined ? this.#fields : { ...this.#fields, ...this.#cleaned(fields) };
    this.#write(level, message, all);
  }
}
