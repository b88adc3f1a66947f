import { messageText } from "../protocol/publication.ts";
import type { CommandReply, PresenceReply } from "../rpc/backend.ts";
import { isClosed, mergeState, type Session, type Subscription } from "../session/session.ts";
import type { EngineContext } from "./context.ts";
import { changePresenceToo, type PresenceChange } from "./presence.ts";
import { endForGood } from "./resume.ts";
import { startStream, stopAllStreams, stopStream } from "./streams.ts";

/**
 * Applies what the application answered to a command, in the reference's order (anycable node/node.go@1.6.16,
 * handleCommandReply): streams stop, streams start, channel state, connection state, transmissions, presence, disconnect.
 * A client that reads its confirmation is therefore already following its streams.
 *
 * @param subscription the channel, or null when the subscription was rejected.
 *   DEVIATION: D11. The reference attaches the streams of a rejected subscription, and its presence.
 */
export function applyReply(
  context: EngineContext,
  session: Session,
  identifier: string,
  subscription: Subscription | null,
  reply: CommandReply,
): void {
  if (changesSession(reply, subscription)) context.saved?.changed(session);
  if (subscription !== null) {
    if (reply.stopStreams) stopAllStreams(context, session, subscription);
    else for (const stream of reply.stoppedStreams) stopStream(context, session, subscription, stream);
    for (const stream of reply.streams) startStream(context, session, identifier, subscription, stream);
    subscription.istate = mergeState(subscription.istate, reply.istate);
  }
  session.cstate = mergeState(session.cstate, reply.cstate);
  for (const transmission of reply.transmissions) context.send(session, transmission);
  const { presence } = reply;
  if (presence !== null && subscription !== null && !isClosed(session)) {
    changePresenceToo(context, session, identifier, subscription, () => presenceChange(presence));
  }
  if (reply.disconnect && !isClosed(session)) endForGood(context, session);
}

/** Whether something of it is another afterwards that its client is to find again. */
function changesSession(reply: CommandReply, subscription: Subscription | null): boolean {
  for (const _ in reply.cstate) return true;
  if (subscription === null) return false;
  for (const _ in reply.istate) return true;
  return reply.stopStreams || reply.stoppedStreams.length > 0 || reply.streams.length > 0;
}

function presenceChange({ type, id, info }: PresenceReply): PresenceChange {
  return { type, id, info: info === "" || info.trim() === "null" ? null : messageText(info) };
}
