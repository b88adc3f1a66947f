import { confirmation, publication, stream } from "../phrases.ts";
import type { Headers, Step, Text } from "../scenario.ts";

export type StreamStep = Extract<Step, { readonly do: "stream" }>;

export const asks = (path: string, more: Partial<Omit<StreamStep, "do" | "path">> = {}): Step => ({
  do: "stream",
  path,
  ...more,
});
export const refused = (
  status: number,
  path: string,
  more: Partial<Omit<StreamStep, "do" | "path">> = {},
): Step => asks(path, { status, ...more });
export const event = (lines: Text, on?: string): Step => ({
  do: "event",
  ...(on === undefined ? {} : { on }),
  lines,
});
export const publish = (name: string, data: string, meta?: object): Step => ({
  do: "publish",
  body: publication(name, data, meta),
});

export const WELCOME = /^event: welcome\ndata: \{"type":"welcome","sid":"(?<sid>[\w-]{21})"\}$/;
export const CONFIRMED = /^event: confirm_subscription\ndata: \{"type":"confirm_subscription","identifier":/;
export const confirmed = (identifier: string): string =>
  `event: confirm_subscription\ndata: ${confirmation(identifier)}`;

/** Follows a public stream by GET and reads what comes before its messages. */
export function follows(name: string, on?: string): Step[] {
  const client = on === undefined ? {} : { on };
  return [
    asks(`/events?stream=${encodeURIComponent(name)}`, client),
    event(WELCOME, on),
    event(confirmed(stream(name)), on),
  ];
}

export const COMMON_HEADERS: Headers = {
  "X-Anycable-Version": "1.6.16",
  Connection: "keep-alive",
  "Content-Type": "text/event-stream; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
  "X-Accel-Buffering": "no",
  "Cache-Control": "private, no-cache, no-store, must-revalidate, max-age=0",
  Pragma: "no-cache",
  Expire: "0",
};

export const lines = (...commands: readonly object[]): string =>
  commands.map((command) => JSON.stringify(command)).join("\n");

export const OPEN_FLAGS = ["--sse", "--norpc", "--noauth", "--public_streams", "--ping_interval=60"];
