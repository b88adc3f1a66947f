import { dataFields, fitsOneLine, onOneLine } from "../wire/event-stream.ts";
import { broadcastParts } from "./broadcast-parts.ts";
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

/** The same as `eventOf` for a frame that the hub has published, without parsing it. */
export function eventOfBroadcast(frame: string, form: EventForm): string | null {
  const parts = broadcastParts(frame);
  if (parts === null) return eventOf(frame, form);
  const { message, position } = parts;
  const id = position === null ? "" : idField(position.offset, position.epoch, position.stream);
  return `${dataFields(form.bare ? bareText(message) : frame)}\n${id}\n`;
}

/** The event for a frame of the cable, with the empty line at its end; null where the client wants none of its kind. */
export function eventOf(frame: string, form: EventForm): string | null {
  const members = membersOf(frame);
  // The application may transmit what it likes.
  if (members === null) return `${dataFields(frame)}\n\n`;
  const { type, offset, epoch, stream_id: stream } = members;
  const id = idField(offset, epoch, stream);
  if (typeof type === "string" && type !== "") {
    const stayAway = type === "disconnect" && members.reconnect === false ? NEVER : "";
    if (form.raw) return stayAway === "" ? null : `${stayAway}\n`;
    return `event: ${onOneLine(type)}\n${dataFields(frame)}\n${id}${stayAway}\n`;
  }
  const message = form.bare ? memberText(frame, "message") : null;
  const data = message === null ? frame : bareText(message);
  return `${dataFields(data)}\n${id}\n`;
}

/** A message that is a JSON string comes as what it says, any other as its JSON text. */
function bareText(message: string): string {
  return message.trimStart().startsWith('"') ? (JSON.parse(message) as string) : message; // a string, by its first letter
}

/** By what the client asks for the messages after this one (`Last-Event-ID`). */
function idField(offset: unknown, epoch: unknown, stream: unknown): string {
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
