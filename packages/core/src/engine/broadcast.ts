import type { Publication } from "../protocol/publication.ts";
import { streamMessage } from "../protocol/stream-message.ts";
import type { EngineContext } from "./context.ts";

/**
 * Sends a message to everyone who follows its stream, on whichever node. Where there are others it comes back to this one
 * as to them, by `deliver`; else it is out in this very tick.
 *
 * @param transient true for what no history keeps.
 */
export function distribute(context: EngineContext, publication: Publication, transient: boolean): void {
  if (context.pubSub === null) broadcast(context, publication);
  else context.pubSub.publish(publication.stream, streamMessage(publication, transient));
}

/** Sends a message to everyone on this node who follows its stream, in this very tick, and counts it. */
export function broadcast(context: EngineContext, publication: Publication): void {
  const { counters, hub } = context;
  const { excludeSid } = publication;
  counters.broadcasts.value += 1;
  const fanOut = hub.publish(
    publication,
    excludeSid === null ? null : (context.sessions.get(excludeSid) ?? null),
  );
  counters.serverMessages.value += fanOut.frames;
  counters.bytesSent.value += fanOut.bytes;
  context.published(fanOut.mostBytesEach);
}
