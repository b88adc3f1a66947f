import { LeveledLog, type WriteLine } from "@hawser/core/leveled-log";
import { LIMITS } from "@hawser/core/limits";
import type { Log, LogFields, LogLevel } from "@hawser/core/log";
import { scrubTokens } from "@hawser/core/redact";
import { createJsonLines, stdoutWriter } from "../drivers/pino.ts";
import { createTextLines } from "./text-line.ts";

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** Stands on every line as `nodeid`. */
  readonly nodeId: string;
  /** Takes each line with its line end; standard output by default. */
  readonly write?: (line: string) => void;
  /** ANSI colours in `text`, for a terminal; default false. */
  readonly colors?: boolean;
  /** Wall time in milliseconds. */
  readonly nowMs?: () => number;
}

/** Fields that quote what a client or the application sent (anycable logger/values.go@1.6.16). */
const PAYLOAD_FIELDS: ReadonlySet<string> = new Set(["data", "message", "transmissions"]);

/**
 * The server's log. Whatever it is given, no token passes: text that looks like one is replaced (D19), and fields that
 * quote payloads are cut to 100 bytes.
 */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? stdoutWriter();
  const nowMs = options.nowMs ?? Date.now;
  const print =
    options.format === "json"
      ? createJsonLines(write, nowMs)
      : createTextLines(write, nowMs, options.colors ?? false);
  const clean: WriteLine = (level, message, fields) => print(level, scrubTokens(message), fields);
  return new LeveledLog(clean, options.level, cleanFields({ nodeid: options.nodeId }), cleanFields);
}

function cleanFields(fields: LogFields): LogFields {
  const clean: Record<string, LogFields[string]> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (typeof value !== "string") clean[name] = value;
    else clean[name] = PAYLOAD_FIELDS.has(name) ? excerpt(value) : scrubTokens(value);
  }
  return clean;
}

const utf8 = new TextEncoder();

/** The first 100 bytes, never half a character, and how many follow: `<start>...(<rest>)`. */
function excerpt(payload: string): string {
  // A UTF-16 unit takes three bytes of UTF-8 at most.
  if (payload.length * 3 <= LIMITS.maxQuotedBytes) return scrubTokens(payload);
  const { read } = utf8.encodeInto(payload, new Uint8Array(LIMITS.maxQuotedBytes));
  if (read === payload.length) return scrubTokens(payload);
  return `${scrubTokens(payload.slice(0, read))}...(${utf8.encode(payload.slice(read)).length})`;
}
