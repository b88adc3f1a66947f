import type { Publication } from "../protocol/publication.ts";
import type { Session } from "../session/session.ts";
import type { EngineContext } from "./context.ts";

/** Sends a message to everyone who follows its stream but `excluded`, in this very tick, and counts it. */
export function broadcast(context: EngineContext, publication: Publication, excluded: Session | null): void {
  const { counters, hub } = context;
  counters.broadcasts.value += 1;
  const fanOut = hub.publish(publication, excluded);
  counters.serverMessages.value += fanOut.frames;
  counters.bytesSent.value += fanOut.bytes;
  context.published(fanOut.mostBytesEach);
}
