import { identifiersTextOf } from "../identifiers.ts";
import { jsonOf } from "../json.ts";

/** What may be said about a message besides its stream and data. */
export interface BroadcastOptions {
  /** The `sid` of a session that does not get the message: the one that caused it, in most cases. */
  readonly excludeSid?: string;
  /** Becomes `type` of the frame that clients get. */
  readonly broadcastType?: string;
  /** Keeps the message out of the history of servers that have one. */
  readonly transient?: boolean;
}

/** One message of a batch. */
export interface BroadcastMessage extends BroadcastOptions {
  /** The stream, whose followers get it. */
  readonly stream: string;
  /** Anything that has JSON. A bare null arrives as the text "null", as with AnyCable's own libraries. */
  readonly data: unknown;
}

/** How a remote disconnect is said to clients. */
export interface RemoteDisconnectOptions {
  /** Whether the client should come back; false unless given. */
  readonly reconnect?: boolean;
}

/**
 * The JSON text that stands for a message.
 *
 * @throws Error for an empty stream name, and for data that has no JSON.
 */
export function messageJson({
  stream,
  data,
  excludeSid,
  broadcastType,
  transient,
}: BroadcastMessage): string {
  if (stream === "")
    throw new Error("Cannot broadcast: the stream's name is empty. Name what clients follow.");
  const meta = { exclude_socket: excludeSid, broadcast_type: broadcastType, transient };
  const isBare = Object.values(meta).every((value) => value === undefined);
  return JSON.stringify({ stream, data: jsonOf(data, "broadcast"), ...(isBare ? {} : { meta }) });
}

/** The JSON text that asks for the end of every connection of these identifiers. */
export function disconnectJson(
  identifiers: object | string,
  { reconnect = false }: RemoteDisconnectOptions,
): string {
  const payload = { identifier: identifiersTextOf(identifiers), reconnect };
  return JSON.stringify({ command: "disconnect", payload });
}
