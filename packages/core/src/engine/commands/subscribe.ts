import type { Command } from "../../protocol/command.ts";
import { confirmSubscription, rejectSubscription } from "../../protocol/replies.ts";
import { type RouteDecision, routeSubscription } from "../../router/router.ts";
import type { CommandReply } from "../../rpc/backend.ts";
import { addSubscription, type Session, type Subscription } from "../../session/session.ts";
import { applyReply } from "../apply-reply.ts";
import { CommandFailure, type EngineContext, quoted } from "../context.ts";
import { startStream } from "../streams.ts";
import { afterConfirmation } from "./after-confirmation.ts";
import { askBackend } from "./ask-backend.ts";
import { confirmAgain } from "./confirm-again.ts";

/**
 * Subscribes the session to a channel: by a route of this server, or by the application's word. There is no reply to a
 * second subscribe with the same identifier, unless the first one's may have been lost with the former connection.
 */
export function subscribe(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  const { identifier } = command;
  const present = session.subscriptions?.get(identifier);
  if (present !== undefined) {
    if (present.unconfirmed) return confirmAgain(context, session, command, present);
    throw new CommandFailure(`already subscribed to ${identifier}`);
  }
  if (!hasRoomFor(session, identifier, context.maxSubscriptions)) {
    context.send(session, rejectSubscription(identifier));
    throw new CommandFailure(`too many subscriptions: ${context.maxSubscriptions} are allowed`);
  }
  const decision = routeSubscription(context.router, identifier);
  if (decision !== null) return subscribeByRoute(context, session, command, decision);
  return askBackend(context, session, "subscribe", command, (reply) =>
    subscribeByReply(context, session, command, reply),
  );
}

/** What one client may make this server remember: so many subscriptions, fewer where their identifiers are long. */
function hasRoomFor(session: Session, identifier: string, max: number): boolean {
  if (max === 0) return true;
  const held = session.subscriptions?.size ?? 0;
  return held < max && session.identifierLength + identifier.length <= max * USUAL_IDENTIFIER_LENGTH;
}

const USUAL_IDENTIFIER_LENGTH = 256;

function subscribeByRoute(
  context: EngineContext,
  session: Session,
  command: Command,
  decision: RouteDecision,
): void | Promise<void> {
  const { identifier } = command;
  if (!decision.confirmed) {
    const fields = { sid: session.sid, identifier: quoted(identifier), error: decision.why };
    context.sampled("info", "subscription", "subscription failed", fields);
    context.send(session, rejectSubscription(identifier));
    context.markInterest(session, "interested"); // as the reference does, though nothing of the application is involved
    return;
  }
  const subscription: Subscription = { groups: [], istate: decision.istate, routed: true };
  addSubscription(session, identifier, subscription);
  context.saved?.changed(session);
  startStream(context, session, identifier, subscription, decision.stream);
  context.send(session, confirmSubscription(identifier));
  context.markInterest(session, "indifferent");
  return afterConfirmation(context, session, command, subscription);
}

function subscribeByReply(
  context: EngineContext,
  session: Session,
  command: Command,
  reply: CommandReply,
): void | Promise<void> {
  const { identifier } = command;
  if (reply.status !== "success") {
    applyReply(context, session, identifier, null, reply);
    context.markInterest(session, "interested");
    return;
  }
  const subscription: Subscription = { groups: [], istate: {}, routed: false };
  addSubscription(session, identifier, subscription);
  context.saved?.changed(session);
  applyReply(context, session, identifier, subscription, reply);
  context.markInterest(session, "interested");
  return afterConfirmation(context, session, command, subscription);
}
