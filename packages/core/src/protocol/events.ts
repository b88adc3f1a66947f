import { dataFields, fitsOneLine, onOneLine } from "../wire/event-stream.ts";
import { memberText } from "./member-text.ts";

/** What a client of the event stream asked for (anycable sse/encoder.go@1.6.16). */
export interface EventForm {
  /** Messages without what is around them: of a stream that was asked for by GET. */
  readonly bare: boolean;
  /** Nothing but messages: no welcome, no pings, no confirmations. */
  readonly raw: boolean;
}

/** Every form there is. */
export const EVENT_FORMS = {
  bare: { bare: true, raw: false },
  bareRaw: { bare: true, raw: true },
  whole: { bare: false, raw: false },
  wholeRaw: { bare: false, raw: true },
} as const satisfies Record<string, EventForm>;

/**
 * How long who is not to come back is told to wait, in milliseconds.
 *
 * DEVIATION: D28. The reference says a year, which a JavaScript timer takes for a millisecond.
 */
const NEVER = "retry: 2147483647\n";

/** The event for a frame of the cable, with the empty line at its end; null where the client wants none of its kind. */
export function eventOf(frame: string, form: EventForm): string | null {
  const members = membersOf(frame);
  // The application may transmit what it likes.
  if (members === null) return `${dataFields(frame)}\n\n`;
  const { type } = members;
  if (typeof type === "string" && type !== "") {
    const stayAway = type === "disconnect" && members.reconnect === false ? NEVER : "";
    if (form.raw) return stayAway === "" ? null : `${stayAway}\n`;
    return `event: ${onOneLine(type)}\n${dataFields(frame)}\n${idField(members)}${stayAway}\n`;
  }
  const message = form.bare ? memberText(frame, "message") : null;
  const data = message === null ? frame : bareText(message);
  return `${dataFields(data)}\n${idField(members)}\n`;
}

/** A message that is a JSON string comes as what it says, any other as its JSON text. */
function bareText(message: string): string {
  return message.startsWith('"') ? (JSON.parse(message) as string) : message; // a JSON string, by its first letter
}

/** By what the client asks for the messages after this one (`Last-Event-ID`). */
function idField({ offset, epoch, stream_id: stream }: Members): string {
  if (typeof offset !== "number" || offset <= 0) return "";
  if (typeof epoch !== "string" || epoch === "" || typeof stream !== "string" || stream === "") return "";
  const id = `${offset}/${epoch}/${stream}`;
  // A stream's name with a line break would end the field: the client then has no id rather than a false one.
  return fitsOneLine(id) ? `id: ${id}\n` : "";
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(frame: string): Members | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch {
    return null;
  }
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as Members) : null;
}
