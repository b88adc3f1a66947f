import type { Command } from "../../protocol/command.ts";
import { removeSubscription, type Session, type Subscription } from "../../session/session.ts";
import { applyReply } from "../apply-reply.ts";
import { CommandFailure, type EngineContext } from "../context.ts";
import { endPresence } from "../presence.ts";
import { stopAllStreams } from "../streams.ts";
import { askBackend } from "./ask-backend.ts";

/** Ends a subscription. There is no acknowledgement but what the application transmits; its FAILURE changes nothing. */
export function unsubscribe(
  context: EngineContext,
  session: Session,
  command: Command,
): void | Promise<void> {
  const { identifier } = command;
  const subscription = session.subscriptions?.get(identifier);
  if (subscription === undefined) throw new CommandFailure(`unknown subscription: ${identifier}`);
  if (subscription.routed) {
    remove(context, session, identifier, subscription);
    endPresence(context, session, subscription);
    return;
  }
  return askBackend(context, session, "unsubscribe", command, (reply) => {
    remove(context, session, identifier, subscription);
    applyReply(context, session, identifier, null, reply);
    endPresence(context, session, subscription);
  });
}

function remove(
  context: EngineContext,
  session: Session,
  identifier: string,
  subscription: Subscription,
): void {
  stopAllStreams(context, session, subscription);
  removeSubscription(session, identifier);
  context.saved?.changed(session);
}
