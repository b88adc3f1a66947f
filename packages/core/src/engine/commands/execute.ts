import type { Command } from "../../protocol/command.ts";
import { PONG } from "../../protocol/replies.ts";
import type { Session } from "../../session/session.ts";
import { CommandFailure, type EngineContext } from "../context.ts";
import { auth } from "./auth.ts";
import { history } from "./history.ts";
import { message } from "./message.ts";
import { join, leave, presence } from "./presence.ts";
import { subscribe } from "./subscribe.ts";
import { unsubscribe } from "./unsubscribe.ts";
import { whisper } from "./whisper.ts";

/** Carries out one command. What it cannot do it throws; it is a promise only while the application is being asked. */
export function execute(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  switch (command.command) {
    case "subscribe":
      return subscribe(context, session, command);
    case "unsubscribe":
      return unsubscribe(context, session, command);
    case "message":
      return message(context, session, command);
    case "history":
      return history(context, session, command);
    case "presence":
      return presence(context, session, command);
    case "join":
      return join(context, session, command);
    case "leave":
      return leave(context, session, command);
    case "auth":
      return auth(context, session, command);
    case "whisper":
      return whisper(context, session, command);
    case "ping":
      return context.send(session, PONG);
    case "pong":
      return;
    default:
      throw new CommandFailure(`unknown command: ${command.command}`);
  }
}
