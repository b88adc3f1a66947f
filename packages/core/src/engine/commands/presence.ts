import type { Command, PresenceRequest } from "../../protocol/command.ts";
import { PRESENCE_ERROR } from "../../protocol/presence-texts.ts";
import { presenceReply } from "../../protocol/replies.ts";
import { CallScope } from "../../rpc/backend.ts";
import type { Session, Subscription } from "../../session/session.ts";
import { CommandFailure, type EngineContext } from "../context.ts";
import { changePresence, type PresenceChange, presenceOf, presenceStream } from "../presence.ts";

/** Says who is on the presence stream of the channel. Options in the command's data are passed over, as in the reference. */
export function presence(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  const { identifier } = command;
  const stream = presenceStream(identifier, subscriptionOf(session, identifier).istate);
  if (context.broker?.presence === undefined || context.broker.presence === null) {
    context.send(session, presenceReply(identifier, PRESENCE_ERROR));
  }
  const list = presenceOf(context).info(stream);
  if (!(list instanceof Promise)) {
    context.send(session, presenceReply(identifier, list));
    return;
  }
  session.scope = new CallScope();
  return list.then(
    (text) => {
      session.scope = null;
      context.send(session, presenceReply(identifier, text));
    },
    (fault) => {
      context.send(session, presenceReply(identifier, PRESENCE_ERROR));
      throw fault;
    },
  );
}

/** Puts the session there under an id of the client's choice. There is no answer but the event that everyone gets. */
export function join(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  const { identifier, presence: request } = command;
  const subscription = subscriptionOf(session, identifier);
  presenceStream(identifier, subscription.istate);
  if (request === null) throw new CommandFailure("presence data is missing");
  return whileWaiting(session, changePresence(context, session, identifier, subscription, joining(request)));
}

/** Takes the session off again; what the command says beside its channel does not count. */
export function leave(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  const { identifier } = command;
  const subscription = subscriptionOf(session, identifier);
  return whileWaiting(session, changePresence(context, session, identifier, subscription, LEAVING));
}

const LEAVING: PresenceChange = { type: "leave", id: "", info: null };

/** @throws CommandFailure where the client's info cannot be printed. */
export function joining({ id, info }: PresenceRequest): PresenceChange {
  if (info === undefined || info === null) return { type: "join", id, info: null };
  try {
    return { type: "join", id, info: JSON.stringify(info) };
  } catch {
    // The parser reads deeper than the printer can follow.
    throw new CommandFailure("the info is nested too deep");
  }
}

function subscriptionOf(session: Session, identifier: string): Subscription {
  const subscription = session.subscriptions?.get(identifier);
  if (subscription === undefined) throw new CommandFailure(`unknown subscription ${identifier}`);
  return subscription;
}

/** Until the broker has answered, the session's commands wait. */
function whileWaiting(session: Session, pending: void | Promise<void>): void | Promise<void> {
  if (pending === undefined) return;
  session.scope = new CallScope();
  return pending.then(() => {
    session.scope = null;
  });
}
