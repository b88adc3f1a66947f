import type { Command } from "../../protocol/command.ts";
import { isClosed, type Session, type Subscription } from "../../session/session.ts";
import { CommandFailure, type EngineContext, quoted } from "../context.ts";
import { changePresenceToo } from "../presence.ts";
import { history } from "./history.ts";
import { joining } from "./presence.ts";

/** What a client may ask for with its subscription: missed messages first, then to be present. */
export function afterConfirmation(
  context: EngineContext,
  session: Session,
  command: Command,
  subscription: Subscription,
): void | Promise<void> {
  const caughtUp = catchUp(context, session, command);
  if (caughtUp === undefined) joinToo(context, session, command, subscription);
  else return caughtUp.then(() => joinToo(context, session, command, subscription));
}

export function joinToo(
  context: EngineContext,
  session: Session,
  { identifier, presence }: Command,
  subscription: Subscription,
): void {
  if (isClosed(session) || presence === null) return;
  changePresenceToo(context, session, identifier, subscription, () => joining(presence));
}

export function asksForHistory({ history: request }: Command): boolean {
  return request !== null && (request.since > 0 || request.streams !== null);
}

/** Its streams are followed by now: what is read from history in this turn and what comes live make a whole. */
function catchUp(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  if (isClosed(session) || !asksForHistory(command)) return;
  const onFailure = (failure: unknown): void => {
    if (!(failure instanceof CommandFailure)) throw failure;
    context.sampled("warn", "history", "couldn't retrieve history", {
      sid: session.sid,
      identifier: quoted(command.identifier),
      error: failure.message,
    });
  };
  try {
    return history(context, session, command)?.catch(onFailure);
  } catch (failure) {
    onFailure(failure);
  }
}
