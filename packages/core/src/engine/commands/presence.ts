import { PRESENCE_STREAM } from "../../protocol/channel-state.ts";
import type { Command } from "../../protocol/command.ts";
import { presenceError } from "../../protocol/replies.ts";
import type { Session } from "../../session/session.ts";
import { CommandFailure, type EngineContext } from "../context.ts";

/**
 * Answers `presence`, `join` and `leave` where no broker keeps presence, as the reference does without one: a question
 * gets an error message, a join or leave only a line in the log.
 */
export function presence(context: EngineContext, session: Session, command: Command): void {
  const { identifier } = command;
  const subscription = session.subscriptions?.get(identifier);
  if (subscription === undefined) throw new CommandFailure(`unknown subscription ${identifier}`);
  if (subscription.istate[PRESENCE_STREAM] === undefined) {
    throw new CommandFailure(`presence stream not found for identifier: ${identifier}`);
  }
  if (command.command === "presence") context.send(session, presenceError(identifier));
  throw new CommandFailure("presence not supported (no broker is configured)");
}
