import type { DisconnectCommand, ParsedPublication } from "../protocol/publication.ts";
import { type EngineContext, quoted } from "./context.ts";
import { forgetSessions } from "./resume.ts";
import { type RevokedFrom, revoke } from "./revoke.ts";

export type RemoteCommand = Extract<
  ParsedPublication,
  { readonly kind: "disconnect" | "revoke" | "unknown_command" }
>;

/** Carries out, on this node, what another node commands, or an application by a channel that every node hears. */
export function executeRemotely(
  context: EngineContext,
  remote: RemoteCommand,
  from: Exclude<RevokedFrom, "publisher">,
): void {
  context.counters.remoteCommands.value += 1;
  if (remote.kind === "revoke") revoke(context, remote.revoke, from);
  else if (remote.kind === "disconnect") disconnectRemotely(context, remote.disconnect);
  else context.sampled("warn", "command", "unknown remote command", { command: quoted(remote.command) });
}

/**
 * DEVIATION: D10. The reference closes one session of these identifiers; we close all of them.
 * DEVIATION: D2. There, whoever knows the id of such a session gets it back a moment later.
 */
function disconnectRemotely(context: EngineContext, command: DisconnectCommand): void {
  context.counters.broadcasts.value += 1; // as the reference counts it
  let found = 0;
  for (const session of context.sessions.values()) {
    if (session.state !== "open" || session.identifiers !== command.identifiers) continue;
    found += 1;
    context.drop(session, "remote", command.reconnect);
  }
  forgetSessions(context, command.identifiers);
  if (found === 0) context.log.debug("cannot disconnect session", { reason: "not found" });
}
