/**
 * What NATS takes for something else than a name: white space and control characters, tokens that stand for others, empty
 * ones, and names by which servers and clients speak to NATS itself.
 */
const SPECIAL = /[\s\p{Cc}]|^$|^\.|\.$|\.\.|(?:^|\.)[*>](?:\.|$)|^\$|^_INBOX\./u;

/** What the subjects of such names begin with. */
const ENCODED = "__hawser__.";

/**
 * The subject of a stream: its name, as the reference has it, where NATS would take that for nothing else.
 *
 * DEVIATION: D25. With any other name the reference follows nothing, or lets whoever chooses names of streams speak to NATS.
 */
export function subjectOf(stream: string): string {
  if (!SPECIAL.test(stream) && !stream.startsWith(ENCODED)) return stream;
  return `${ENCODED}${encodeURIComponent(stream.toWellFormed()).replace(/[.*]/g, (char) => (char === "." ? "%2E" : "%2A"))}`;
}
