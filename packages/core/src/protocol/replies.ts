/**
 * The frames this server writes on its own account, as JSON text in the reference's member order
 * (anycable common/common.go@1.6.16, Reply). What the application sends is forwarded as it is.
 */

export const PONG = '{"type":"pong"}';

export function welcome(sid: string): string {
  return `{"type":"welcome","sid":${JSON.stringify(sid)}}`;
}

/** The welcome of a client that has its session back, under a new id; it asks for the history of these channels. */
export function restoredWelcome(sid: string, identifiers: readonly string[]): string {
  const restored = `{"type":"welcome","sid":${JSON.stringify(sid)},"restored":true`;
  return identifiers.length === 0
    ? `${restored}}`
    : `${restored},"restored_ids":${JSON.stringify(identifiers)}}`;
}

export function ping(timestamp: string): string {
  return `{"type":"ping","message":${timestamp}}`;
}

export function confirmSubscription(identifier: string): string {
  return typed("confirm_subscription", identifier);
}

export function rejectSubscription(identifier: string): string {
  return typed("reject_subscription", identifier);
}

export function confirmHistory(identifier: string): string {
  return typed("confirm_history", identifier);
}

export function rejectHistory(identifier: string): string {
  return typed("reject_history", identifier);
}

/** The answer to `presence`. `message` is JSON text, spliced in unread. */
export function presenceReply(identifier: string, message: string): string {
  return `{"type":"presence","identifier":${JSON.stringify(identifier)},"message":${message}}`;
}

export function disconnect(reason: string, reconnect: boolean): string {
  return `{"type":"disconnect","reason":${JSON.stringify(reason)},"reconnect":${reconnect}}`;
}

/** To `auth`: the token was taken, and the connection may live on; null for as long as it likes. */
export function authAccepted(expiresInS: number | null): string {
  return expiresInS === null ? '{"type":"auth"}' : `{"type":"auth","expires_in":${expiresInS}}`;
}

/** To `auth`: the token was not taken; all is as it was before. */
export const AUTH_REFUSED = '{"type":"auth","error":"unauthorized"}';

export function authExpiring(expiresInS: number): string {
  return `{"type":"auth_expiring","expires_in":${expiresInS}}`;
}

/** Members with empty values are left out by the reference; an identifier is the only one that can be empty here. */
function typed(type: string, identifier: string): string {
  return identifier === ""
    ? `{"type":"${type}"}`
    : `{"type":"${type}","identifier":${JSON.stringify(identifier)}}`;
}

/** The part of a broadcast's frame that is the same for every message to that identifier. */
export function broadcastHead(identifier: string): string {
  return `{"identifier":${JSON.stringify(identifier)},"message":`;
}

/** The part behind the message: where it stands in its stream, and the end. */
export function broadcastTail(
  stream: string,
  position: { readonly epoch: string; readonly offset: number } | null,
): string {
  if (position === null) return "}";
  const { epoch, offset } = position;
  return `,"stream_id":${JSON.stringify(stream)},"epoch":${JSON.stringify(epoch)},"offset":${offset}}`;
}

/** A broadcast's frame: `message` is JSON text, spliced in unread. */
export function broadcastFrame(
  head: string,
  message: string,
  broadcastType: string | null,
  tail: string,
): string {
  if (broadcastType === null) return head + message + tail;
  return `{"type":${JSON.stringify(broadcastType)},${head.slice(1)}${message}${tail}`;
}
