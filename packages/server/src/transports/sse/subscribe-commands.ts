import { type Command, decodeCommand, type HistoryRequest } from "@hawser/core/protocol/command";
import { firstValue, type Query } from "../http/query.ts";

/** What a request asks to follow, or in words why it cannot be told. */
export type AskedFor =
  | { readonly commands: readonly Command[] }
  /** A phrase for the operator. */
  | { readonly why: string };

/** Parameters that name a channel, in the order in which they are looked for (anycable sse/sse.go@1.6.16). */
const CHANNEL_PARAMETERS = [
  { name: "identifier", identifier: (value: string) => value },
  { name: "channel", identifier: (channel: string) => JSON.stringify({ channel }) },
  {
    name: "stream",
    identifier: (name: string) => JSON.stringify({ channel: "$pubsub", stream_name: name }),
  },
  {
    name: "signed_stream",
    identifier: (name: string) => JSON.stringify({ channel: "$pubsub", signed_stream_name: name }),
  },
  {
    name: "turbo_signed_stream_name",
    identifier: (name: string) =>
      JSON.stringify({ channel: "Turbo::StreamsChannel", signed_stream_name: name }),
  },
] as const;

/** The one subscription of a GET request. */
export function commandsOfQuery(query: Query, lastEventId: string | null): AskedFor {
  const identifier = identifierOf(query);
  if (identifier === null) return { why: "no channel provided" };
  const position = readEventId(lastEventId ?? "");
  if (position === "malformed") return { why: "the offset in Last-Event-ID is no number" };
  const since = readSince(firstValue(query, "history_since") ?? "");
  if (since === null) return { why: "history_since is no whole number of seconds" };
  const history = position === null && since === 0 ? null : { since, streams: position };
  return { commands: [subscribeTo(identifier, history)] };
}

/** The subscriptions of a POST request: a JSON object a line, a subscribe whatever it calls itself. */
export function commandsOfBody(body: string): AskedFor {
  const commands: Command[] = [];
  for (const line of body.split("\n")) {
    if (line === "") continue;
    const decoded = decodeCommand(line);
    if (typeof decoded === "string") return { why: "a line of the body is no command" };
    commands.push({ ...decoded, command: "subscribe" });
  }
  return { commands };
}

/** `raw` of the query. */
export function wantsRaw(query: Query): boolean {
  return /^(?:1|true|t|y)$/i.test(firstValue(query, "raw") ?? "");
}

function identifierOf(query: Query): string | null {
  for (const { name, identifier } of CHANNEL_PARAMETERS) {
    const value = firstValue(query, name);
    if (value !== null && value !== "") return identifier(value);
  }
  return null;
}

function subscribeTo(identifier: string, history: HistoryRequest | null): Command {
  return { command: "subscribe", identifier, data: undefined, token: "", history, presence: null };
}

/** `offset/epoch/stream`, where the stream may have slashes in it; what has fewer parts is no id of ours. */
function readEventId(id: string): HistoryRequest["streams"] | "malformed" {
  const parts = /^([^/]*)\/([^/]*)\/(.*)$/s.exec(id);
  const [, offset = "", epoch = "", stream = ""] = parts ?? [];
  if (parts === null) return null;
  if (!/^\d{1,19}$/.test(offset)) return "malformed";
  return { [stream]: { offset: Number(offset), epoch } };
}

/** Null for what is no integer; 0 where there is none. */
function readSince(text: string): number | null {
  if (text === "") return 0;
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : null;
}
