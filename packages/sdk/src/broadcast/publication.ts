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
 * What is taken back, in one of four ways. `jti`: the tokens with this claim. `sid`: those with this claim, or the session with
 * this id and the token that it was opened with. `kid`: all tokens of a key. `identifiers`: all tokens of a client, those that
 * are issued later as well, unless `issuedBeforeMs` (milliseconds since the epoch) spares what is issued from then on.
 */
export type RevocationTarget =
  | Alone<"jti">
  | Alone<"sid">
  | Alone<"kid">
  | (Without<"jti" | "sid" | "kid"> & {
      readonly identifiers: object | string;
      readonly issuedBeforeMs?: number;
    });

type Without<Names extends string> = { readonly [N in Names]?: never };
type Alone<Name extends "jti" | "sid" | "kid"> = { readonly [N in Name]: string } & Without<
  Exclude<"jti" | "sid" | "kid" | "identifiers" | "issuedBeforeMs", Name>
>;

/** How a revocation is said to clients, and how long it has to be remembered. */
export interface RevokeOptions {
  /** Whether clients should come back; false unless given. */
  readonly reconnect?: boolean;
  /**
   * When the last of these tokens expires, in milliseconds since the epoch: the server forgets the revocation then. Else it
   * does after `--revocation_max_ttl`, or when a connection tells it sooner.
   */
  readonly expiresAtMs?: number;
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

/**
 * The JSON text that takes tokens back.
 *
 * @throws Error when the target is empty, or is none.
 */
export function revocationJson(target: RevocationTarget, options: RevokeOptions): string {
  const { reconnect = false, expiresAtMs } = options;
  const payload = { ...targetOf(target), exp: secondsOf(expiresAtMs), reconnect };
  return JSON.stringify({ command: "revoke", payload });
}

/** Without types a call may say anything, and what was left out must not revoke somebody else. */
function targetOf({ jti, sid, kid, identifiers, issuedBeforeMs }: RevocationTarget): object {
  const text = identifiers === undefined ? undefined : identifiersTextOf(identifiers);
  const named = { jti, sid, kid, identifiers: text };
  const given = Object.values(named).filter((value) => value !== undefined);
  if (given.length === 1 && typeof given[0] === "string" && given[0] !== "") {
    return { ...named, issued_before: secondsOf(issuedBeforeMs) };
  }
  throw new Error(
    "Cannot revoke: give exactly one of jti, sid, kid and identifiers, and it may not be empty.",
  );
}

function secondsOf(ms: number | undefined): number | undefined {
  if (ms === undefined) return undefined;
  if (Number.isFinite(ms)) return ms / 1000;
  throw new Error("Cannot revoke: a time is not a finite number. Give milliseconds since the epoch.");
}
