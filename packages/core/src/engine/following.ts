import type { Group } from "../hub/hub.ts";
import type { EngineContext } from "./context.ts";

/** What takes longer is not waited for: messages of meanwhile may then be missing. */
const WAIT_MS = 5000;

/**
 * For who is about to ask history: resolves once what is published to these streams after the answer comes here, so that
 * answer and live messages make a whole; null where that is so already. While there is no connection to the other nodes
 * it is not waited for: what is published until there is one comes by `MissedMessages`.
 */
export function whenFollowed(
  { pubSub, missed, clock }: EngineContext,
  asked: readonly { readonly group: Group }[],
): Promise<void> | null {
  if (pubSub === null || !pubSub.isUp || missed?.isParted) return null;
  let unsure: Promise<void>[] | null = null;
  for (const { group } of asked) {
    const followed = pubSub.following(group.stream);
    if (followed === null) continue;
    unsure ??= [];
    unsure.push(followed);
  }
  if (unsure === null) return null;
  const all = Promise.all(unsure);
  return new Promise((resolve) => {
    const cancel = clock.after(WAIT_MS, resolve);
    void all.then(() => {
      cancel();
      resolve();
    });
  });
}
