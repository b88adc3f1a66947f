import type { Command } from "../../protocol/command.ts";
import type { Session } from "../../session/session.ts";
import { applyReply } from "../apply-reply.ts";
import { CommandFailure, type EngineContext } from "../context.ts";
import { askBackend } from "./ask-backend.ts";

/** Performs an action: the application's alone, also on the channels that this server confirms by itself. */
export function message(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  const { identifier, data } = command;
  const subscription = session.subscriptions?.get(identifier);
  if (subscription === undefined) throw new CommandFailure(`unknown subscription ${identifier}`);
  if (typeof data !== "string") {
    throw new CommandFailure(`perform data must be a string, got ${data === null ? "null" : typeof data}`);
  }
  return askBackend(context, session, "message", command, (reply) =>
    applyReply(context, session, identifier, subscription, reply),
  );
}
