/** What a client may ask for (anycable common/common.go@1.6.16, Message). */
export interface Command {
  /** As sent; a name that nothing handles is a failed command, not a malformed frame. */
  readonly command: string;
  /** Opaque: compared as text, never normalised. Empty when the client sent none. */
  readonly identifier: string;
  readonly data: unknown;
  /** For `auth`. Empty when the client sent none, or no text. */
  readonly token: string;
  readonly history: HistoryRequest | null;
  readonly presence: PresenceRequest | null;
}

export interface HistoryRequest {
  /** Unix time in seconds; 0 when absent. */
  readonly since: number;
  /** Stream -> position, or null when the key is absent: an empty object is a request. */
  readonly streams: Readonly<Record<string, unknown>> | null;
}

export interface PresenceRequest {
  readonly id: string;
  readonly info: unknown;
}

/** `ignored` is the frame `null`, which the reference drops without a trace. */
export type DecodedFrame = Command | "ignored" | "malformed";

type Members = Record<string, unknown>;

/** Reads one text frame. Unknown members are ignored; a wrong type makes the whole frame malformed. */
export function decodeCommand(text: string): DecodedFrame {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return "malformed";
  }
  if (parsed === null) return "ignored";
  if (typeof parsed !== "object" || Array.isArray(parsed)) return "malformed";
  const members = parsed as Members; // a JSON object, just checked
  return readCommand(members.command === undefined ? withLowerCaseNames(members) : members);
}

function readCommand(members: Members): Command | "malformed" {
  const command = members.command ?? "";
  const identifier = members.identifier ?? "";
  if (typeof command !== "string" || typeof identifier !== "string") return "malformed";
  const history = members.history === undefined ? null : readHistory(members.history);
  const presence = members.presence === undefined ? null : readPresence(members.presence);
  if (history === "malformed" || presence === "malformed") return "malformed";
  const token = typeof members.token === "string" ? members.token : "";
  return { command, identifier, data: members.data, token, history, presence };
}

function readHistory(value: unknown): HistoryRequest | null | "malformed" {
  if (value === null) return null;
  if (!isObject(value)) return "malformed";
  const since = value.since ?? 0;
  const streams = value.streams ?? null;
  if (!Number.isSafeInteger(since) || (streams !== null && !isObject(streams))) return "malformed";
  if (streams !== null && !Object.values(streams).every(isPosition)) return "malformed";
  return { since: since as number, streams }; // a safe integer, just checked
}

function isPosition(value: unknown): boolean {
  if (value === null) return true;
  if (!isObject(value)) return false;
  const { epoch, offset } = value;
  const goodEpoch = epoch === undefined || epoch === null || typeof epoch === "string";
  const goodOffset = offset === undefined || offset === null || isUnsigned(offset);
  return goodEpoch && goodOffset;
}

function isUnsigned(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function readPresence(value: unknown): PresenceRequest | null | "malformed" {
  if (value === null) return null;
  if (!isObject(value)) return "malformed";
  const id = value.id ?? "";
  if (typeof id !== "string") return "malformed";
  return { id, info: value.info };
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Go matches JSON names without regard to case, so some clients send `Command`; only they pay for this copy. */
export function withLowerCaseNames(members: Members): Members {
  // Without a prototype: a member named __proto__ would become it, and its members ours.
  const folded: Members = Object.create(null);
  for (const name of Object.keys(members)) folded[name.toLowerCase()] = members[name];
  return folded;
}
