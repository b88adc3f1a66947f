import type { Answer } from "../broker/answer.ts";
import { messageOf } from "../errors.ts";
import { type Publication, parsePublication } from "../protocol/publication.ts";
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
 * to the clients, where the runtime batches the writes of one tick, or to the nodes. It is a promise only while a history
 * that takes a while is to have it first.
 */
export function publish(context: EngineContext, text: string): Answer<PublishResult> {
  const { counters, pubSub } = context;
  const parsed = parsePublication(text);
  if (parsed.kind === "invalid") {
    counters.failedPublications.value += 1;
    context.sampled("warn", "publication", "failed to parse a publication", { error: parsed.why });
    return { accepted: false, why: parsed.why, retryable: false };
  }
  if (pubSub !== null && !pubSub.isUp) return NOBODY_REACHED;
  counters.publications.value += 1;
  if (parsed.kind === "messages") return distributeAll(context, parsed.messages);
  if (pubSub === null) executeRemotely(context, parsed);
  else pubSub.command(text);
  return ACCEPTED;
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
  return { accepted: false, why: "history could not take it; publish again later", retryable: true };
}
