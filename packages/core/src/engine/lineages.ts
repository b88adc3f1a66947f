import type { Session } from "../session/session.ts";

/**
 * The sessions here that were resumed, by the id of the one that each began as: a former connection of the same client may
 * still seem to be there. Nearly always there is one of a lineage, so that it stands in the map by itself.
 */
export class Lineages {
  readonly #resumed = new Map<string, Session | Set<Session>>();

  /** It was resumed. */
  add(session: Session): void {
    const { lineage } = session;
    if (lineage === null) return;
    const entry = this.#resumed.get(lineage);
    if (entry === undefined) this.#resumed.set(lineage, session);
    else if (entry instanceof Set) entry.add(session);
    else this.#resumed.set(lineage, new Set([entry, session]));
  }

  ended(session: Session): void {
    const { lineage } = session;
    if (lineage === null) return;
    const entry = this.#resumed.get(lineage);
    if (entry instanceof Set) {
      entry.delete(session);
      if (entry.size === 0) this.#resumed.delete(lineage);
    } else if (entry === session) {
      this.#resumed.delete(lineage);
    }
  }

  /** Those that were resumed and are not over. */
  resumedOf(lineage: string): readonly Session[] {
    const entry = this.#resumed.get(lineage);
    if (entry === undefined) return [];
    return entry instanceof Set ? [...entry] : [entry];
  }
}
