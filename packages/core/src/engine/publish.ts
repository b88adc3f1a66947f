import { parsePublication } from "../protocol/publication.ts";
import { distribute } from "./broadcast.ts";
import type { EngineContext } from "./context.ts";
import { executeRemotely } from "./remote-command.ts";

/** `retryable` where nothing is wrong with the publication itself. */
export type PublishResult =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly why: string; readonly retryable: boolean };

const ACCEPTED: PublishResult = { accepted: true };
const NOBODY_REACHED: PublishResult = {
  accepted: false,
  why: "the connection between the nodes is down; publish again later",
  retryable: true,
};

/**
 * Takes what an application publishes (message, batch or remote command, as JSON text) and hands it on in the same tick:
 * to the clients, where the runtime batches the writes of one tick, or to the nodes.
 */
export function publish(context: EngineContext, text: string): PublishResult {
  const { counters, pubSub } = context;
  const parsed = parsePublication(text);
  if (parsed.kind === "invalid") {
    counters.failedPublications.value += 1;
    context.sampled("warn", "publication", "failed to parse a publication", { error: parsed.why });
    return { accepted: false, why: parsed.why, retryable: false };
  }
  if (pubSub !== null && !pubSub.isUp) return NOBODY_REACHED;
  counters.publications.value += 1;
  if (parsed.kind === "messages") {
    for (const message of parsed.messages) distribute(context, message, false);
  } else if (pubSub === null) {
    executeRemotely(context, parsed);
  } else {
    pubSub.command(text);
  }
  return ACCEPTED;
}
