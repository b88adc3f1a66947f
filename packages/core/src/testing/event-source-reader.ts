/** One event as `EventSource` hands it on. */
export interface ReadEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** Reads a whole event stream as the HTML Living Standard says (9.2.6), to the letter. */
export function readEventStream(stream: string): { events: ReadEvent[]; retryMs: number | null } {
  const events: ReadEvent[] = [];
  let retryMs: number | null = null;
  let data = "";
  let type = "";
  let lastEventId = "";
  const lines = stream.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  lines.pop(); // what stands after the last line break is no line yet
  for (const line of lines) {
    if (line === "") {
      if (data !== "") events.push({ type: type || "message", data: data.slice(0, -1), lastEventId });
      data = "";
      type = "";
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data += `${value}\n`;
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) lastEventId = value;
    else if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return { events, retryMs };
}
