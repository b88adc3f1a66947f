import type { Rule } from "../rules.ts";
import { DueQueue } from "./due-queue.ts";
import { isIssuedBefore, REVOCATION_RULES, type Revocation, type RevokedBy } from "./revocation.ts";
import type { TokenMarks } from "./token-marks.ts";

type Held = { -readonly [K in keyof Revocation]: Revocation[K] };

/** Characters of a value that one place has room for. */
const CHARACTERS_A_PLACE = 256;
/** How many are forgotten in one go at most. */
const FORGOTTEN_AT_ONCE = 64;

/**
 * The revocations in force: few enough for the memory that is set aside, each for as long as there can be tokens for it.
 * A look-up costs the same however many there are, and nothing when there are none.
 */
export class Revocations {
  readonly #places: number;
  readonly #held: Readonly<Record<RevokedBy, Map<string, Held>>> = {
    jti: new Map(),
    sid: new Map(),
    kid: new Map(),
    identifiers: new Map(),
    issued_before: new Map(),
    token: new Map(),
  };
  readonly #due = new DueQueue<Held>();
  #taken = 0;

  /** @param places how many it may hold; one with a long value counts for more. */
  constructor(places: number) {
    this.#places = places;
  }

  get size(): number {
    return this.#due.size;
  }

  /**
   * Takes all of them, or none when there is no room. One that is held already is put off to the later end, and takes no
   * further place.
   *
   * @returns those by which anything changed, or null when none was taken.
   */
  add(revocations: readonly Revocation[], nowMs: number): readonly Revocation[] | null {
    const fresh = revocations.filter(({ by, value }) => !this.#held[by].has(value));
    const needed = fresh.reduce((sum, { value }) => sum + placesOf(value), 0);
    while (this.#taken + needed > this.#places) if (!this.#forgetOne(nowMs)) return null;
    return revocations.filter((revocation) => this.#put(revocation));
  }

  /** Why a token of this identity is refused, or null. */
  refusalOf(identity: string, marks: TokenMarks, nowMs: number): Rule | null {
    if (this.#due.size === 0) return null;
    const { jti, sid, kid, issuedAtS, tag } = marks;
    if (jti !== null && this.#find("jti", jti, nowMs) !== null) return REVOCATION_RULES.jti;
    if (sid !== null && this.#find("sid", sid, nowMs) !== null) return REVOCATION_RULES.sid;
    if (kid !== null && this.#find("kid", kid, nowMs) !== null) return REVOCATION_RULES.kid;
    if (this.#find("identifiers", identity, nowMs) !== null) return REVOCATION_RULES.identifiers;
    const former = this.#find("issued_before", identity, nowMs);
    if (former !== null && isIssuedBefore(issuedAtS, former.issuedBeforeS))
      return REVOCATION_RULES.issued_before;
    if (this.#held.token.size > 0 && this.#find("token", String(tag), nowMs) !== null) {
      return REVOCATION_RULES.token;
    }
    return null;
  }

  /** Whether the session with this id, connected or not, was revoked. */
  hasSession(sid: string, nowMs: number): boolean {
    return this.#find("sid", sid, nowMs) !== null;
  }

  /** Forgets what has ended, a bounded number at a time; to be called often. */
  forgetEnded(nowMs: number): void {
    for (let done = 0; done < FORGOTTEN_AT_ONCE; done++) if (!this.#forgetOne(nowMs)) return;
  }

  /** All of them, in no order. */
  *entries(): IterableIterator<Revocation> {
    for (const held of Object.values(this.#held)) yield* held.values();
  }

  #find(by: RevokedBy, value: string, nowMs: number): Held | null {
    const map = this.#held[by];
    // No hash of a long text is computed for an empty map.
    const held = map.size === 0 ? undefined : map.get(value);
    return held !== undefined && held.untilMs > nowMs ? held : null;
  }

  /** @returns whether it is new, or for longer or for more tokens than before. */
  #put(revocation: Revocation): boolean {
    const { by, value, untilMs, issuedBeforeS } = revocation;
    const held = this.#held[by].get(value);
    if (held === undefined) {
      const fresh = { by, value, issuedBeforeS, untilMs };
      this.#held[by].set(value, fresh);
      this.#due.push(fresh);
      this.#taken += placesOf(value);
      return true;
    }
    if (held.untilMs >= untilMs && held.issuedBeforeS >= issuedBeforeS) return false;
    held.untilMs = Math.max(held.untilMs, untilMs);
    held.issuedBeforeS = Math.max(held.issuedBeforeS, issuedBeforeS);
    return true;
  }

  /** @returns whether anything was due, though it may have been put off meanwhile. */
  #forgetOne(nowMs: number): boolean {
    const ended = this.#due.take(nowMs);
    if (ended === null) return false;
    if (ended !== "put off") {
      this.#held[ended.by].delete(ended.value);
      this.#taken -= placesOf(ended.value);
    }
    return true;
  }
}

function placesOf(value: string): number {
  return 1 + Math.floor(value.length / CHARACTERS_A_PLACE);
}
