import { parsePublication } from "../protocol/publication.ts";
import { broadcast } from "./broadcast.ts";
import type { EngineContext } from "./context.ts";
import { executeRemotely } from "./remote-command.ts";

/**
 * Gives the clients of this node what has come by a channel to all of them (anycable node/node.go@1.6.16, HandlePubSub):
 * it is not passed on, no history keeps it, and it does not count as a publication.
 *
 * @param stream whose channel it was. Nothing else is taken from there: a client may follow a stream that is named as
 *   another channel is, and would otherwise double what comes by that one. Null for a channel that may carry anything.
 * @param from whether an application has put it into the channel, or another node.
 */
export function deliver(
  context: EngineContext,
  text: string,
  stream: string | null,
  from: "channel" | "node",
): void {
  const parsed = parsePublication(text);
  if (parsed.kind === "invalid") {
    if (stream === null) context.counters.failedPublications.value += 1;
    context.sampled("warn", "publication", "failed to parse a message from a channel", { error: parsed.why });
  } else if (parsed.kind === "messages") {
    const { missed } = context;
    for (const message of parsed.messages) {
      if (stream !== null && message.stream !== stream) continue;
      // What an application says to all servers is in no history, and so behind nothing that was missed.
      if (from === "node" && missed?.isKeeping && missed.keep(message)) continue;
      broadcast(context, message, message.position);
    }
  } else if (stream === null) {
    executeRemotely(context, parsed, from);
  }
}
