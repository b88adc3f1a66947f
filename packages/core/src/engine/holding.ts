import type { Position } from "../broker/history.ts";
import type { Group } from "../hub/hub.ts";
import { Holding, NOTHING_TOLD } from "../session/holding.ts";
import { isClosed, type Session, type Subscription } from "../session/session.ts";
import type { EngineContext } from "./context.ts";
import { dropAsTooSlow } from "./slow-clients.ts";

/** As `startStream`; but what is published to the stream is kept until `goLive`. */
export function startHeldStream(
  context: EngineContext,
  session: Session,
  identifier: string,
  subscription: Subscription,
  stream: string,
): void {
  for (const group of subscription.groups) if (group.stream === stream) return;
  const holding = holdingOf(context, session);
  const group = context.hub.joinHeld(holding, stream, identifier);
  holding.begin(group);
  subscription.groups.push(group);
}

/** Keeps what is published to the subscription's streams from now on, until `goLive`. */
export function holdSubscription(context: EngineContext, session: Session, subscription: Subscription): void {
  const holding = holdingOf(context, session);
  for (const group of subscription.groups) {
    if (group.held?.includes(holding)) {
      holding.passNothingOn(group);
      continue;
    }
    holding.begin(group);
    context.hub.hold(holding, group);
  }
}

/**
 * Sends what was kept for a subscription, and lets it hear its streams by itself from now on, all in one turn: so each
 * message comes once and in order. For a subscription that is not held nothing happens.
 *
 * Where messages go by way of other nodes, history may have told what is still to come from there: then the subscription
 * is live once something newer has come.
 *
 * @param told how far the client was told the streams from history just now.
 */
export function goLive(
  context: EngineContext,
  session: Session,
  subscription: Subscription,
  told: ReadonlyMap<Group, Position> = NOTHING_TOLD,
): void {
  const { holding } = session;
  if (holding === null || isClosed(session)) return;
  const groups = subscription.groups.filter(({ held }) => held?.includes(holding));
  for (const frame of holding.take(groups, told)) context.send(session, frame);
  for (const group of groups) {
    const upTo = told.get(group);
    if (upTo === undefined || context.pubSub === null) context.hub.release(holding, group);
    else holding.catchUp(group, upTo);
  }
}

function holdingOf(context: EngineContext, session: Session): Holding {
  if (session.holding !== null) return session.holding;
  const holding: Holding = new Holding(
    {
      connection: session.connection,
      send: (frame) => context.send(session, frame),
      caughtUp: (group) => context.hub.release(holding, group),
      full: () => dropAsTooSlow(context, session),
    },
    context.maxPendingBytes,
  );
  session.holding = holding;
  return holding;
}
