/** A line of the server's log, whichever its form. */
export interface LogLine {
  /** As it stands in the line. */
  readonly time: string;
  /** `debug`, `info`, `warn` or `error`. */
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

const LEVELS: Readonly<Record<string, string>> = { DBG: "debug", INF: "info", WRN: "warn", ERR: "error" };
const LINE = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (DBG|INF|WRN|ERR) (.*)$/;
const FIELD = / ([A-Za-z_][\w]*)=("(?:[^"\\]|\\.)*"|[^ "]+)/g;
const TAIL = /((?: [A-Za-z_][\w]*=(?:"(?:[^"\\]|\\.)*"|[^ "]+))*)$/;

/** Reads a text log strictly: a line of another form is an error. */
export function parseTextLog(output: string): LogLine[] {
  return linesOf(output).map((line) => {
    const [, time, level, rest] = LINE.exec(line) ?? [];
    if (time === undefined || level === undefined || rest === undefined) {
      throw new Error(`not a line of the text log: ${JSON.stringify(line)}`);
    }
    const tail = TAIL.exec(` ${rest}`)?.[1] ?? "";
    const fields: Record<string, string> = {};
    for (const [, name = "", value = ""] of tail.matchAll(FIELD)) {
      fields[name] = value.startsWith('"') ? String(JSON.parse(value)) : value;
    }
    const message = ` ${rest}`.slice(1, rest.length + 1 - tail.length);
    return { time, level: LEVELS[level] ?? level, message, fields };
  });
}

/** Reads a JSON log strictly; field values become text. */
export function parseJsonLog(output: string): LogLine[] {
  return linesOf(output).map((line) => {
    const { time, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const fields = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, String(value)]));
    return { time: String(time), level: String(level).toLowerCase(), message: String(msg), fields };
  });
}

/** The lines whose message matches. */
export function linesAbout(lines: readonly LogLine[], message: RegExp): LogLine[] {
  return lines.filter((line) => message.test(line.message));
}

function linesOf(output: string): string[] {
  return output.split("\n").filter((line) => line !== "");
}
