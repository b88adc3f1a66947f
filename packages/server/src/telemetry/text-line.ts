import type { LogFields, LogLevel } from "@hawser/core/log";

type Value = LogFields[string];

const FAINT = "\u001b[2m";
const RESET = "\u001b[0m";

const LEVELS = {
  debug: { word: "DBG", color: "" },
  info: { word: "INF", color: "\u001b[92m" },
  warn: { word: "WRN", color: "\u001b[93m" },
  error: { word: "ERR", color: "\u001b[91m" },
} as const satisfies Record<LogLevel, { readonly word: string; readonly color: string }>;

/**
 * Prints log lines for people: `2026-11-23 09:58:39.564 INF <message> key=value`, local time (anycable
 * logger/config.go@1.6.16, whose printer is tint).
 *
 * @param colors ANSI colours as tint has them; only for a terminal.
 * @param nowMs wall time in milliseconds.
 */
export function createTextLines(
  write: (line: string) => void,
  nowMs: () => number,
  colors: boolean,
): (level: LogLevel, message: string, fields: LogFields) => void {
  const localTime = createLocalTime();
  return (level, message, fields) => {
    const { word, color } = LEVELS[level];
    const time = localTime(nowMs());
    let line = colors
      ? `${FAINT}${time}${RESET} ${color}${word}${color === "" ? "" : RESET} `
      : `${time} ${word} `;
    // The reference prints messages as they are. Ours are on one line, whatever an error's text brings along.
    line += escapeUnprintable(message);
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      line += colors ? ` ${FAINT}${key}=${RESET}${textOf(value)}` : ` ${key}=${textOf(value)}`;
    }
    write(`${line}\n`);
  };
}

function textOf(value: Value): string {
  if (typeof value !== "string") return String(value);
  return BARE_ASCII.test(value) || !needsQuotes(value) ? value : goQuote(value);
}

/** Printable ASCII without space, quote and equals sign: nearly every value there is. */
const BARE_ASCII = /^[!#-<>-~]+$/;

function needsQuotes(value: string): boolean {
  return value === "" || /[ "=]/.test(value) || UNPRINTABLE.test(value);
}

/** The characters that Go prints as they are: letters, marks, numbers, punctuation, symbols, the ASCII space. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

/** Quotes as Go's `%q` does. */
export function goQuote(text: string): string {
  return `"${escapeUnprintable(text.replace(/["\\]/g, "\\$&"))}"`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function escapeUnprintable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replace(EVERY_UNPRINTABLE, escapeOf) : text;
}

function escapeOf(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  // Half a surrogate pair cannot be written as UTF-8; Go would have had U+FFFD in its place.
  if (code >= 0xd800 && code < 0xe000) return "\ufffd";
  return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

/** `2026-11-23 09:58:39.564` in the machine's time zone. The second's text is kept: most lines share it. */
function createLocalTime(): (atMs: number) => string {
  let keptSecond = Number.NaN;
  let prefix = "";
  return (atMs) => {
    const second = Math.floor(atMs / 1_000);
    if (second !== keptSecond) {
      keptSecond = second;
      const at = new Date(second * 1_000);
      const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
      prefix = `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.`;
    }
    return prefix + String(Math.floor(atMs - second * 1_000)).padStart(3, "0");
  };
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
