import type { Group } from "../hub/hub.ts";
import type { Session, Subscription } from "../session/session.ts";
import type { EngineContext } from "./context.ts";

/** Attaches a stream to a channel of the session; a second time does nothing. */
export function startStream(
  context: EngineContext,
  session: Session,
  identifier: string,
  subscription: Subscription,
  stream: string,
): void {
  for (const group of subscription.groups) if (group.stream === stream) return;
  subscription.groups.push(context.hub.join(session.connection, stream, identifier));
}

export function stopStream(
  context: EngineContext,
  session: Session,
  subscription: Subscription,
  stream: string,
): void {
  const at = subscription.groups.findIndex((group) => group.stream === stream);
  if (at < 0) return;
  for (const group of subscription.groups.splice(at, 1)) leave(context, session, group);
}

export function stopAllStreams(context: EngineContext, session: Session, subscription: Subscription): void {
  for (const group of subscription.groups) leave(context, session, group);
  subscription.groups.length = 0;
}

function leave({ hub }: EngineContext, { connection, holding }: Session, group: Group): void {
  hub.leave(connection, group);
  holding?.end(group);
}
