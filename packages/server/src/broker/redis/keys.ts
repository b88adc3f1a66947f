/** Whatever this server keeps in Redis begins so, and nothing of AnyCable's does. */
const OURS = "hawser";

/**
 * The keys of one stream's history, which a cluster keeps on one node: the braces say which part of a key decides. The dot
 * stands there for streams that begin with a brace, which would end the part before it began.
 */
export function historyKeys(stream: string): readonly [head: string, messages: string] {
  return [`${OURS}:h:{.${stream}}`, `${OURS}:m:{.${stream}}`];
}

/** What the keys of sessions begin with; all are on one node of a cluster, so that a removal is one step. */
export const SESSION_KEYS = `${OURS}:{sessions}`;

/** The same of presence. */
export const PRESENCE_KEYS = `${OURS}:{presence}`;

/** What servers write down for each other, on one node of a cluster, in the order in which its scripts take it. */
export const BOARD_KEYS: readonly string[] = [
  "rings",
  "ring-ends",
  "revoked",
  "places",
  "befores",
  "last",
].map((name) => `${OURS}:{board}:${name}`);
