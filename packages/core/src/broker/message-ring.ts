import { decodeUtf8 } from "../wire/utf8.ts";
import type { KeptMessage } from "./history.ts";

/** What there is to know of a message beside its text, each in four bytes. */
const START = 0;
const LENGTH = 1;
/** When it came by the wall, in seconds. */
const WALL_S = 2;
/** When it came by the monotonic clock, in ticks. */
const TICK = 3;
const FACTS = 4;
const BYTES_OF_FACTS = 16;

const FIRST_CAPACITY = 1;
/** Bytes up to which room is doubled. From there on room costs more than copies do. */
const SMALL = 4096;
const GROWTH = 1.25;

const NO_BYTES = new Uint8Array(0);
const NO_FACTS = new Uint32Array(0);

/**
 * The last messages of one stream. There may be ten millions of them, so a message is no object but bytes in two arrays:
 * that costs some 120 bytes beside 200 of text, where a string cost 300, and no collection of garbage has to look at it
 * (bench/broker-memory.ts).
 */
export class MessageRing {
  /** Offset of the newest message, also when it has expired; 0 before the first. */
  newest = 0;
  /** Offset of the oldest that is there; one past `newest` when none is. */
  oldest = 1;
  /** The texts as UTF-8, one behind the other; one that does not fit before the end begins at the start. */
  #bytes = NO_BYTES;
  /** Where the newest text ends. */
  #end = 0;
  /** Bytes of the texts that are there. */
  #used = 0;
  /** Of the message with an offset, at that offset modulo the number of messages that there is room for. */
  #facts = NO_FACTS;

  get size(): number {
    return this.newest - this.oldest + 1;
  }

  /** What it takes up. */
  get capacityBytes(): number {
    return this.#bytes.byteLength + this.#facts.byteLength;
  }

  /** Adds the message that is in the first `length` bytes of `text`; past `limit` the oldest gives way. */
  add(text: Uint8Array, length: number, wallS: number, tick: number, limit: number): void {
    if (this.size === limit) this.#dropOldest();
    if (this.size * FACTS === this.#facts.length) this.#makeRoomForFacts(limit);
    const start = this.#placeFor(length);
    this.#bytes.set(text.length === length ? text : text.subarray(0, length), start);
    this.#end = start + length;
    this.#used += length;
    this.newest += 1;
    const at = this.#factsOf(this.newest);
    this.#facts[at + START] = start;
    this.#facts[at + LENGTH] = length;
    this.#facts[at + WALL_S] = wallS;
    this.#facts[at + TICK] = tick;
  }

  /** Lets go of what came before `tick`, and returns how many that were. */
  dropBefore(tick: number): number {
    const had = this.size;
    if (had === 0 || this.tickOf(this.oldest) >= tick) return 0;
    if (this.tickOf(this.newest) < tick) {
      this.#bytes = NO_BYTES;
      this.#facts = NO_FACTS;
      this.#used = 0;
      this.oldest = this.newest + 1;
      return had;
    }
    while (this.tickOf(this.oldest) < tick) this.#dropOldest();
    return had - this.size;
  }

  /** When a message that is there came. */
  tickOf(offset: number): number {
    return this.#facts[this.#factsOf(offset) + TICK] ?? 0;
  }

  /** Messages from `offset` on that came at `sinceS` or later, oldest first. */
  from(offset: number, sinceS = 0): KeptMessage[] {
    const kept: KeptMessage[] = [];
    for (let each = Math.max(offset, this.oldest); each <= this.newest; each++) {
      const at = this.#factsOf(each);
      if ((this.#facts[at + WALL_S] ?? 0) < sinceS) continue;
      const start = this.#facts[at + START] ?? 0;
      const message = decodeUtf8(this.#bytes, start, start + (this.#facts[at + LENGTH] ?? 0)) ?? "";
      kept.push({ offset: each, message });
    }
    return kept;
  }

  #factsOf(offset: number): number {
    return (offset * FACTS) % this.#facts.length;
  }

  #dropOldest(): void {
    this.#used -= this.#facts[this.#factsOf(this.oldest) + LENGTH] ?? 0;
    this.oldest += 1;
  }

  /** Where the next text can stand in one piece. */
  #placeFor(length: number): number {
    const room = this.#bytes.length;
    const isLoose = room > SMALL && (this.#used + length) * 4 < room;
    if (this.size > 0 && !isLoose) {
      const first = this.#facts[this.#factsOf(this.oldest) + START] ?? 0;
      const isWrapped = this.#end <= first;
      if ((isWrapped ? first : room) - this.#end >= length) return this.#end;
      if (!isWrapped && first >= length) return 0;
    } else if (!isLoose && length <= room) return 0;
    // A stream may have no second message, and many have not.
    this.#move(this.size === 0 ? length : grown(this.#used + length, SMALL));
    return this.#end;
  }

  /** Moves the texts into an array of that length, closed up. */
  #move(room: number): void {
    const bytes = new Uint8Array(room);
    let end = 0;
    for (let offset = this.oldest; offset <= this.newest; offset++) {
      const at = this.#factsOf(offset);
      const start = this.#facts[at + START] ?? 0;
      const length = this.#facts[at + LENGTH] ?? 0;
      bytes.set(this.#bytes.subarray(start, start + length), end);
      this.#facts[at + START] = end;
      end += length;
    }
    this.#bytes = bytes;
    this.#end = end;
  }

  #makeRoomForFacts(limit: number): void {
    const former = this.#facts;
    const capacity = Math.min(limit, Math.max(FIRST_CAPACITY, grown(this.size, SMALL / BYTES_OF_FACTS)));
    const facts = new Uint32Array(capacity * FACTS);
    for (let offset = this.oldest; offset <= this.newest; offset++) {
      const from = (offset * FACTS) % former.length;
      facts.set(former.subarray(from, from + FACTS), (offset * FACTS) % facts.length);
    }
    this.#facts = facts;
  }
}

/** Room for what is needed now and for some of what comes next. */
function grown(needed: number, small: number): number {
  return needed < small ? needed * 2 : Math.ceil(needed * GROWTH);
}
