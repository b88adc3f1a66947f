import type { Cancel, Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { MAX_UTF8_PER_UNIT, writeUtf8 } from "../wire/utf8.ts";
import { Epochs } from "./epochs.ts";
import type { Backlog, History, HistorySize, Position } from "./history.ts";
import { MessageRing } from "./message-ring.ts";

export interface MemoryHistoryOptions {
  /** Messages of one stream; 0 keeps nothing (DEVIATION: D26). */
  readonly limit: number;
  readonly ttlMs: number;
}

/** A stream that was published to. They stand in chains, one for each second in which something is to be done. */
interface MemoryStream {
  readonly name: string;
  readonly epoch: string;
  readonly ring: MessageRing;
  /** When its last message came, and so when it is forgotten. */
  lastTick: number;
  next: MemoryStream | null;
}

const FIRST_SCRATCH = 4096;

/** What the age of a message is measured in. */
const TICK_MS = 100;
const TICKS_PER_S = 1000 / TICK_MS;

/** A stream is known for so many times the time of its messages (anycable broker/memory.go@1.6.16). */
const LIVES_OF_A_STREAM = 10;

/** Streams that are seen to in one tick at most, or eight times as many messages: a hundred thousand may be due at once. */
const WORK_PER_TICK = 1000;
const MESSAGES_PER_WORK = 8;

/**
 * History in the memory of this process. Nothing is swept: a stream waits in the chain of the second in which its oldest
 * message expires, or it is to be forgotten, and only that chain is looked at. What is late there is told to nobody.
 */
export class MemoryHistory implements History {
  readonly publish = null;
  readonly #streams = new Map<string, MemoryStream>();
  readonly #chains = new Map<number, MemoryStream>();
  readonly #epochs: Epochs;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #ttlTicks: number;
  readonly #stop: Cancel;
  /** Where a message's text is made bytes; as long as the longest so far. */
  #scratch = new Uint8Array(FIRST_SCRATCH);
  #messageCount = 0;
  /** The chain being worked through, and the second that it is of. */
  #due: MemoryStream | null = null;
  #dueS: number;

  constructor(options: MemoryHistoryOptions, clock: Clock, random: Random) {
    this.#limit = options.limit;
    this.#ttlTicks = Math.ceil(options.ttlMs / TICK_MS);
    this.#clock = clock;
    this.#epochs = new Epochs(random);
    this.#dueS = Math.floor(this.#now() / TICKS_PER_S);
    this.#stop = clock.every(TICK_MS, () => this.#expire());
  }

  /** The epoch of streams that begin now, for the line at start. */
  get epoch(): string {
    return this.#epochs.current;
  }

  append(stream: string, message: string): Position | null {
    if (this.#limit === 0) return null;
    const now = this.#now();
    let known = this.#streams.get(stream);
    if (known === undefined) {
      known = {
        name: stream,
        epoch: this.#epochs.current,
        ring: new MessageRing(),
        lastTick: now,
        next: null,
      };
      this.#streams.set(stream, known);
      this.#awaitChange(known, now + this.#ttlTicks);
    }
    known.lastTick = now;
    if (known.ring.size < this.#limit) this.#messageCount += 1;
    const needed = message.length * MAX_UTF8_PER_UNIT;
    if (this.#scratch.length < needed) this.#scratch = new Uint8Array(needed);
    const length = writeUtf8(message, this.#scratch);
    known.ring.add(this.#scratch, length, Math.floor(this.#clock.nowMs() / 1000), now, this.#limit);
    return { epoch: known.epoch, offset: known.ring.newest };
  }

  after(stream: string, { epoch, offset }: Position): Backlog {
    const known = this.#fresh(stream);
    if (known === undefined) return { kept: false, why: "nothing is known of the stream" };
    if (known.epoch !== epoch) return { kept: false, why: "the epoch is not that of the stream" };
    const { oldest, newest } = known.ring;
    if (offset > newest) return { kept: false, why: `offset ${offset} is ahead of the last one, ${newest}` };
    // DEVIATION: D23. The reference refuses what is exactly before the oldest message.
    if (offset < oldest - 1) {
      return { kept: false, why: `what came after offset ${offset} is gone, up to ${oldest - 1}` };
    }
    return { kept: true, epoch, messages: known.ring.from(offset + 1) };
  }

  since(stream: string, sinceS: number): Backlog {
    if (this.#limit === 0) return { kept: false, why: "history_limit is 0, so nothing is kept" };
    const known = this.#fresh(stream);
    if (known === undefined) return { kept: true, epoch: this.#epochs.current, messages: [] };
    return { kept: true, epoch: known.epoch, messages: known.ring.from(0, sinceS) };
  }

  head(stream: string): Position | null {
    const known = this.#streams.get(stream);
    return known === undefined ? null : { epoch: known.epoch, offset: known.ring.newest };
  }

  /** Streams without messages included, and messages that have expired and are late to go. */
  size(): HistorySize {
    return { streams: this.#streams.size, messages: this.#messageCount };
  }

  close(): void {
    this.#stop();
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / TICK_MS);
  }

  /** The stream without what has expired by now, whether its turn has come or not. */
  #fresh(stream: string): MemoryStream | undefined {
    const known = this.#streams.get(stream);
    if (known !== undefined) this.#drop(known, this.#now());
    return known;
  }

  #expire(): void {
    const now = this.#now();
    const nowS = Math.floor(now / TICKS_PER_S);
    let work = 0;
    while (work < WORK_PER_TICK) {
      work += 1;
      const stream = this.#due;
      if (stream !== null) {
        this.#due = stream.next;
        work += this.#look(stream, now) / MESSAGES_PER_WORK;
      } else if (this.#dueS < nowS) {
        this.#dueS += 1;
        this.#due = this.#chains.get(this.#dueS) ?? null;
        this.#chains.delete(this.#dueS);
      } else return;
    }
  }

  /** Does what is due to a stream, and lets it wait for what is next; the messages that went one by one. */
  #look(stream: MemoryStream, now: number): number {
    const { ring, lastTick } = stream;
    const dropped = this.#drop(stream, now);
    const endTick = lastTick + this.#ttlTicks * LIVES_OF_A_STREAM;
    if (ring.size > 0) this.#awaitChange(stream, ring.tickOf(ring.oldest) + this.#ttlTicks);
    else if (endTick >= now) this.#awaitChange(stream, endTick);
    else {
      this.#streams.delete(stream.name);
      this.#epochs.forgotten(stream.epoch);
    }
    return ring.size === 0 ? 0 : dropped; // all of them at once are no work
  }

  /** Lets go of what has expired; the number of messages. */
  #drop({ ring }: MemoryStream, now: number): number {
    const dropped = ring.dropBefore(now - this.#ttlTicks);
    this.#messageCount -= dropped;
    return dropped;
  }

  /** @param tick the last one in which nothing is to be done yet. */
  #awaitChange(stream: MemoryStream, tick: number): void {
    const dueS = Math.max(Math.floor(tick / TICKS_PER_S) + 1, this.#dueS + 1);
    stream.next = this.#chains.get(dueS) ?? null;
    this.#chains.set(dueS, stream);
  }
}
