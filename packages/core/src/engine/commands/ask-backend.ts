import type { Command } from "../../protocol/command.ts";
import { CallScope, type CommandReply, type CommandRequest } from "../../rpc/backend.ts";
import { isClosed, type Session } from "../../session/session.ts";
import { CommandFailure, type EngineContext, rpcEnv } from "../context.ts";

/**
 * Asks the application and hands its answer to `apply`, unless the session has ended meanwhile. An answer of ERROR and
 * no answer at all are failures of the command: the client hears nothing, the operator the reason.
 */
export function askBackend(
  context: EngineContext,
  session: Session,
  name: CommandRequest["command"],
  command: Command,
  apply: (reply: CommandReply) => void | Promise<void>,
): void | Promise<void> {
  const scope = new CallScope();
  const request: CommandRequest = {
    command: name,
    sid: session.sid,
    identifier: command.identifier,
    connectionIdentifiers: session.identifiers,
    data: typeof command.data === "string" ? command.data : "",
    env: rpcEnv(session, session.subscriptions?.get(command.identifier)?.istate ?? {}),
    jwtIdentity: session.jwtIdentity,
  };
  const accept = (reply: CommandReply) => {
    session.scope = null;
    if (isClosed(session)) return;
    if (reply.status === "error") {
      throw new CommandFailure(`the RPC backend answered ${name} with an error: ${reply.errorMessage}`);
    }
    return apply(reply);
  };
  const pending = context.backend.command(request, scope);
  if (!(pending instanceof Promise)) {
    return accept(pending);
  }
  session.scope = scope;
  return pending.then(accept);
}
