import type { Answer } from "../broker/answer.ts";
import { messageOf } from "../errors.ts";
import { type Publication, parsePublication } from "../protocol/publication.ts";
import type { RevokeCommand } from "../protocol/revoke-command.ts";
import { distribute } from "./broadcast.ts";
import type { EngineContext } from "./context.ts";
import { executeRemotely } from "./remote-command.ts";
import { revoke } from "./revoke.ts";

/**
 * `unreadable`: it would not be taken another time either. `unavailable`: later it may be. `failed`: it was read, and
 * could not be carried out.
 */
export type PublishResult =
  | { readonly accepted: true }
  | {
      readonly accepted: false;
      readonly fault: "unreadable" | "unavailable" | "failed";
      readonly why: string;
    };

const ACCEPTED: PublishResult = { accepted: true };
const NOBODY_REACHED: PublishResult = {
  accepted: false,
  fault: "unavailable",
  why: "the connection between the nodes is down; publish again later",
};

/**
 * Takes what an application publishes (message, batch or remote command, as JSON text) and hands it on in the same tick:
 * to the clients, where the runtime batches the writes of one tick, or to the nodes. It is a promise only while a history
 * that takes a while is to have it first.
 */
export function publish(context: EngineContext, text: string): Answer<PublishResult> {
  const { counters, pubSub } = context;
  const parsed = parsePublication(text);
  if (parsed.kind === "invalid") {
    counters.failedPublications.value += 1;
    context.sampled("warn", "publication", "failed to parse a publication", { error: parsed.why });
    return { accepted: false, fault: "unreadable", why: parsed.why };
  }
  if (pubSub !== null && !pubSub.isUp) return NOBODY_REACHED;
  counters.publications.value += 1;
  if (parsed.kind === "messages") return distributeAll(context, parsed.messages);
  if (parsed.kind === "revoke") return takeBack(context, parsed.revoke);
  if (pubSub === null) executeRemotely(context, parsed, "channel");
  else pubSub.command(text);
  return ACCEPTED;
}

/** On this node at once, so that its publisher hears whether there is room; then on the others. */
function takeBack(context: EngineContext, command: RevokeCommand): PublishResult {
  // Where there are other nodes it comes back here as well, and is counted then.
  if (context.pubSub === null) context.counters.remoteCommands.value += 1;
  const result = revoke(context, command);
  return result.done ? ACCEPTED : { accepted: false, fault: "failed", why: result.why };
}

function distributeAll(context: EngineContext, messages: readonly Publication[]): Answer<PublishResult> {
  let underWay: Promise<void>[] | null = null;
  for (const message of messages) {
    const handedOn = distribute(context, message);
    if (!(handedOn instanceof Promise)) continue;
    underWay ??= [];
    underWay.push(handedOn);
  }
  return underWay === null ? ACCEPTED : whenKept(context, underWay);
}

/** A message that history could not take went to nobody: the publisher has to come again. */
async function whenKept(context: EngineContext, underWay: readonly Promise<void>[]): Promise<PublishResult> {
  const outcomes = await Promise.allSettled(underWay);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return ACCEPTED;
  const why = messageOf(failed.reason);
  context.counters.failedPublications.value += 1;
  context.sampled("error", "history", "failed to keep a publication", { error: why });
  return { accepted: false, why: "history could not take it; publish again later", fault: "unavailable" };
}
