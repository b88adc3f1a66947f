import type { Command } from "../../protocol/command.ts";
import { confirmHistory, rejectHistory } from "../../protocol/replies.ts";
import type { Session } from "../../session/session.ts";
import { CommandFailure, type EngineContext } from "../context.ts";

/**
 * Answers a request for missed messages where no broker keeps any, as the reference does without one
 * (anycable node/node.go@1.6.16, History): a request that asks nothing of the attached streams is confirmed, any other
 * is rejected.
 */
export function history(context: EngineContext, session: Session, command: Command): void {
  const { identifier, history: request } = command;
  const subscription = session.subscriptions?.get(identifier);
  if (subscription === undefined) throw new CommandFailure(`unknown subscription ${identifier}`);
  if (request === null || (request.since === 0 && request.streams === null)) {
    throw new CommandFailure("history request is missing");
  }
  const asked = subscription.groups.some(
    ({ stream }) => request.since > 0 || (request.streams !== null && Object.hasOwn(request.streams, stream)),
  );
  if (!asked) {
    context.send(session, confirmHistory(identifier));
    return;
  }
  context.send(session, rejectHistory(identifier));
  throw new CommandFailure("history not supported (no broker is configured)");
}
