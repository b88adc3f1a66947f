import type { SessionSnapshot } from "../broker/sessions.ts";

/**
 * Lookups of sessions that take a while. What is ended on purpose meanwhile must not be given back by one that has found it
 * before it was removed.
 */
export class SessionLookups {
  #underWay = 0;
  /** How often something was ended while a lookup was under way. */
  #ends = 0;
  /** What was ended by then, for as long as there are lookups. */
  readonly #ended = new Map<string, number>();

  /** @returns what `hasEnded` is to be told. */
  begin(): number {
    this.#underWay += 1;
    return this.#ends;
  }

  done(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#ended.clear();
  }

  /** Every session of these identifiers was ended; with a lineage, only those that began as that one. */
  ended(identifiers: string, lineage?: string): void {
    if (this.#underWay === 0) return;
    this.#ends += 1;
    this.#ended.set(keyOf(identifiers, lineage), this.#ends);
  }

  /** Whether it was ended since a lookup began. */
  hasEnded({ identifiers, lineage }: SessionSnapshot, begun: number): boolean {
    if (this.#ended.size === 0) return false;
    const last = Math.max(
      this.#ended.get(keyOf(identifiers)) ?? 0,
      this.#ended.get(keyOf(identifiers, lineage)) ?? 0,
    );
    return last > begun;
  }
}

function keyOf(identifiers: string, lineage?: string): string {
  return lineage === undefined ? identifiers : `${lineage}\n${identifiers}`;
}
