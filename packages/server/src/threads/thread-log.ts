import type { Log, LogFields, LogLevel } from "@hawser/core/log";

const RANKS = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>;

/** Hands a line to the thread that writes; `fields` is JSON text. */
export type SayLine = (level: LogLevel, message: string, fields: string) => void;

/** The log of a connection thread: the control thread writes its lines, so that they are one log. */
export class ThreadLog implements Log {
  readonly #say: SayLine;
  readonly #level: LogLevel;
  readonly #fields: LogFields;

  constructor(say: SayLine, level: LogLevel, fields: LogFields = {}) {
    this.#say = say;
    this.#level = level;
    this.#fields = fields;
  }

  enabled(level: LogLevel): boolean {
    return RANKS[level] >= RANKS[this.#level];
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  with(fields: LogFields): Log {
    return new ThreadLog(this.#say, this.#level, { ...this.#fields, ...fields });
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (this.enabled(level)) this.#say(level, message, JSON.stringify({ ...this.#fields, ...fields }));
  }
}

/** Writes a line that a connection thread handed over. */
export function writeThreadLine(log: Log, level: LogLevel, message: string, fields: string): void {
  log[level](message, JSON.parse(fields));
}
