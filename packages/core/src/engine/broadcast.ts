import type { Answer } from "../broker/answer.ts";
import type { Position } from "../broker/history.ts";
import type { Publication } from "../protocol/publication.ts";
import { streamMessage } from "../protocol/stream-message.ts";
import type { EngineContext } from "./context.ts";

/**
 * Sends a message to everyone who follows its stream, on whichever node: in this very tick, unless a history that takes a
 * while is to have it first. Rejects only when that history could not take it.
 */
export function distribute(context: EngineContext, publication: Publication): Answer<void> {
  if (context.appends === null) handOn(context, publication, null);
  else return context.appends.publish(publication);
}

/** Where there are other nodes a message comes back to this one as to them, by `deliver`; else it is out in this very tick. */
export function handOn(context: EngineContext, publication: Publication, position: Position | null): void {
  if (context.pubSub === null) broadcast(context, publication, position);
  else context.pubSub.publish(publication.stream, streamMessage(publication, position));
}

/**
 * Sends a message to everyone on this node who follows its stream, in this very tick, and counts it.
 *
 * @param position null for what no history has.
 */
export function broadcast(context: EngineContext, publication: Publication, position: Position | null): void {
  const { counters, hub } = context;
  const { excludeSid } = publication;
  counters.broadcasts.value += 1;
  const excluded = excludeSid === null ? null : (context.sessions.get(excludeSid) ?? null);
  const fanOut = hub.publish(publication, position, excluded);
  counters.serverMessages.value += fanOut.frames;
  counters.bytesSent.value += fanOut.bytes;
  context.published(fanOut.mostBytesEach);
}
