import { withLowerCaseNames } from "./command.ts";
import { type RevokeCommand, readRevokeCommand } from "./revoke-command.ts";

/** One message for one stream (anycable common/common.go@1.6.16, StreamMessage). */
export interface Publication {
  readonly stream: string;
  /** JSON text, ready to stand in a frame. */
  readonly message: string;
  /** The `sid` of a session that must not get it, or null. */
  readonly excludeSid: string | null;
  /** Becomes `type` of the client's frame, or null. */
  readonly broadcastType: string | null;
  /** Is not kept for those who come later. */
  readonly transient: boolean;
  /** Where another node says that it stands in its stream; null for none. */
  readonly position: { readonly epoch: string; readonly offset: number } | null;
}

export interface DisconnectCommand {
  /** Exactly the connection identifiers of the sessions to close. */
  readonly identifiers: string;
  readonly reconnect: boolean;
}

export type ParsedPublication =
  | { readonly kind: "messages"; readonly messages: readonly Publication[] }
  | { readonly kind: "disconnect"; readonly disconnect: DisconnectCommand }
  | { readonly kind: "revoke"; readonly revoke: RevokeCommand }
  | { readonly kind: "unknown_command"; readonly command: string }
  /** `why` is a phrase for the publisher; it quotes names and positions, never the payload. */
  | { readonly kind: "invalid"; readonly why: string };

type Members = Record<string, unknown>;

/**
 * Reads what an application publishes: a message, a batch of messages, or a remote command.
 *
 * DEVIATION: D12. A batch is taken whole or not at all, and what cannot be read is said to the publisher.
 */
export function parsePublication(text: string): ParsedPublication {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return invalid("the body is not JSON");
  }
  if (Array.isArray(parsed)) return parseBatch(parsed);
  const members = membersOf(parsed);
  if (members === null) return invalid("expected an object or an array of objects");
  if (isPresent(members.stream)) return one(parseMessage(members));
  if (isPresent(members.command)) return parseRemoteCommand(members);
  return invalid('neither "stream" nor "command" is given');
}

function one(message: Publication | string): ParsedPublication {
  return typeof message === "string" ? invalid(message) : { kind: "messages", messages: [message] };
}

function parseBatch(elements: readonly unknown[]): ParsedPublication {
  if (elements.length === 0) return invalid("the batch is empty");
  const messages: Publication[] = [];
  for (const [index, element] of elements.entries()) {
    const members = membersOf(element);
    const message = members === null ? "not an object" : parseMessage(members);
    if (typeof message === "string") return invalid(`element ${index} of the batch: ${message}`);
    messages.push(message);
  }
  return { kind: "messages", messages };
}

function parseMessage(members: Members): Publication | string {
  const { stream, data = null, meta = null } = members;
  if (typeof stream !== "string" || stream === "") return '"stream" must be a non-empty string';
  if (data !== null && typeof data !== "string") {
    return '"data" must be a string that holds JSON (encode the payload before publishing it)';
  }
  if (meta !== null && membersOf(meta) === null) return '"meta" must be an object';
  const { exclude_socket: excluded, broadcast_type: type, transient } = (meta ?? {}) as Members; // object or null
  if (!isOptional(excluded, "string")) return '"meta.exclude_socket" must be a string';
  if (!isOptional(type, "string")) return '"meta.broadcast_type" must be a string';
  if (!isOptional(transient, "boolean")) return '"meta.transient" must be a boolean';
  return {
    stream,
    message: messageText(data ?? ""),
    excludeSid: typeof excluded === "string" && excluded !== "" ? excluded : null,
    broadcastType: typeof type === "string" && type !== "" ? type : null,
    transient: transient === true,
    position: readPosition(members),
  };
}

/** Nodes tell each other; an application has nothing to say about it, and its word is not looked at. */
function readPosition({ epoch, offset }: Members): Publication["position"] {
  if (typeof epoch !== "string" || epoch === "") return null;
  return typeof offset === "number" && Number.isSafeInteger(offset) && offset > 0 ? { epoch, offset } : null;
}

/**
 * The JSON text that clients get for `data`: `data` itself when it is JSON, else `data` as a JSON string. So is the
 * text `null`, which the reference turns into the string "null".
 *
 * DEVIATION: D20. The reference parses and prints anew; we pass the text through, big integers and key order intact.
 */
export function messageText(data: string): string {
  try {
    return JSON.parse(data) === null ? JSON.stringify(data) : data;
  } catch {
    return JSON.stringify(data);
  }
}

function parseRemoteCommand(members: Members): ParsedPublication {
  const { command } = members;
  if (typeof command !== "string") return invalid('"command" must be a string');
  if (command === "revoke") return parseRevoke(members.payload);
  if (command !== "disconnect") return { kind: "unknown_command", command };
  const payload = membersOf(members.payload);
  if (payload === null || typeof payload.identifier !== "string" || payload.identifier === "") {
    return invalid('"payload.identifier" must be a non-empty string');
  }
  if (!isOptional(payload.reconnect, "boolean")) return invalid('"payload.reconnect" must be a boolean');
  return {
    kind: "disconnect",
    disconnect: { identifiers: payload.identifier, reconnect: payload.reconnect === true },
  };
}

function parseRevoke(payload: unknown): ParsedPublication {
  const members = membersOf(payload);
  if (members === null) return invalid('"payload" must be an object');
  const revoke = readRevokeCommand(members);
  return typeof revoke === "string" ? invalid(revoke) : { kind: "revoke", revoke };
}

function invalid(why: string): ParsedPublication {
  return { kind: "invalid", why };
}

/** The object's members, with Go's tolerance for `Stream` and `DATA` where the exact names are missing. */
function membersOf(value: unknown): Members | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const members = value as Members; // a JSON object, just checked
  const named = "stream" in members || "command" in members || "identifier" in members;
  return named ? members : withLowerCaseNames(members);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function isOptional(value: unknown, type: "string" | "boolean"): boolean {
  return value === undefined || value === null || typeof value === type;
}
