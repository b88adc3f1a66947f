import { type DisconnectCommand, parsePublication } from "../protocol/publication.ts";
import { broadcast } from "./broadcast.ts";
import { type EngineContext, quoted } from "./context.ts";

export type PublishResult = { readonly accepted: true } | { readonly accepted: false; readonly why: string };

const ACCEPTED: PublishResult = { accepted: true };

/**
 * Takes what an application publishes (message, batch or remote command, as JSON text) and delivers it in the same
 * tick: the runtime batches the writes of one tick.
 */
export function publish(context: EngineContext, text: string): PublishResult {
  const { counters } = context;
  const parsed = parsePublication(text);
  if (parsed.kind === "invalid") {
    counters.failedPublications.value += 1;
    context.sampled("warn", "publication", "failed to parse a publication", { error: parsed.why });
    return { accepted: false, why: parsed.why };
  }
  counters.publications.value += 1;
  if (parsed.kind === "messages") {
    for (const message of parsed.messages) {
      const { excludeSid } = message;
      broadcast(context, message, excludeSid === null ? null : (context.sessions.get(excludeSid) ?? null));
    }
    return ACCEPTED;
  }
  counters.remoteCommands.value += 1;
  if (parsed.kind === "disconnect") disconnectRemotely(context, parsed.disconnect);
  else context.sampled("warn", "command", "unknown remote command", { command: quoted(parsed.command) });
  return ACCEPTED;
}

/** DEVIATION: D10. The reference closes one session of these identifiers; we close all of them. */
function disconnectRemotely(context: EngineContext, command: DisconnectCommand): void {
  context.counters.broadcasts.value += 1; // as the reference counts it
  let found = 0;
  for (const session of context.sessions.values()) {
    if (session.state !== "open" || session.identifiers !== command.identifiers) continue;
    found += 1;
    context.drop(session, "remote", command.reconnect);
  }
  if (found === 0) context.log.debug("cannot disconnect session", { reason: "not found" });
}
