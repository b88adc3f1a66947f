import type { Command } from "../../protocol/command.ts";
import { confirmSubscription } from "../../protocol/replies.ts";
import { removeSubscription, type Session, type Subscription } from "../../session/session.ts";
import { applyReply } from "../apply-reply.ts";
import type { EngineContext } from "../context.ts";
import { goLive } from "../holding.ts";
import { endPresence } from "../presence.ts";
import { stopAllStreams } from "../streams.ts";
import { afterConfirmation, asksForHistory, joinToo } from "./after-confirmation.ts";
import { askBackend } from "./ask-backend.ts";

/**
 * The channel came back with its session, but its client does not know of it: the connection broke between our confirming
 * it and the client's hearing that. Without an answer the client would give the channel up. The application is asked once
 * more, for its words were lost. History is told unless the client has had it by the `history` command, which comes ahead
 * of this.
 */
export function confirmAgain(
  context: EngineContext,
  session: Session,
  command: Command,
  subscription: Subscription,
): void | Promise<void> {
  const { identifier } = command;
  subscription.unconfirmed = false;
  const goOn = () => {
    if (subscription.asked) return joinToo(context, session, command, subscription);
    if (!asksForHistory(command)) goLive(context, session, subscription);
    return afterConfirmation(context, session, command, subscription);
  };
  if (subscription.routed) {
    context.send(session, confirmSubscription(identifier));
    return goOn();
  }
  return askBackend(context, session, "subscribe", command, (reply) => {
    if (reply.status !== "success") {
      stopAllStreams(context, session, subscription);
      removeSubscription(session, identifier);
      context.saved?.changed(session);
      applyReply(context, session, identifier, null, reply);
      endPresence(context, session, subscription);
      return;
    }
    applyReply(context, session, identifier, subscription, reply);
    return goOn();
  });
}
