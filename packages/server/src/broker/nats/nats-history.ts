import type { Backlog, History, HistorySize, KeptMessage, Position } from "@hawser/core/broker/history";
import type { Cancel, Clock } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { type Publication, parsePublication } from "@hawser/core/protocol/publication";
import { streamMessage } from "@hawser/core/protocol/stream-message";
import type { Random } from "@hawser/core/random";
import type { JetStream } from "../../drivers/nats/jet-stream.ts";
import {
  deleteIdleKept,
  findKept,
  type KeptSettings,
  type KeptStream,
  readKept,
  readOne,
  type StoredMessage,
} from "../../drivers/nats/kept-streams.ts";
import { epochIn, HISTORY_SUBJECTS } from "../../drivers/nats/names.ts";
import { HistoryWriter, nameOf } from "./history-writer.ts";
import { SharedLooks } from "./shared-looks.ts";

export interface NatsHistoryParts {
  readonly jetStream: JetStream;
  /** By the clock of NATS. */
  readonly time: Pick<Clock, "nowMs">;
  /** Whether this server is the one that deletes what is idle. */
  readonly mayForget: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A stream is known for so many times the time of its messages (anycable broker/memory.go@1.6.16). */
const LIVES_OF_A_STREAM = 10;
/** From so many on, the first message since a time is searched for, in place of reading all of them. */
const WORTH_SEARCHING = 64;
const SHORTEST_SWEEP_MS = 1_000;
const LONGEST_SWEEP_MS = 300_000;

const UNKNOWN: Backlog = { kept: false, why: "nothing is known of the stream" };

/**
 * History in NATS: one stream of JetStream for each of ours. A message's number there is its offset; the epoch is chosen by
 * whoever makes the stream, and stands in the subject by which JetStream hands on what it has stored, so that all servers
 * hear a stream in the order of its offsets, and know the epoch, by that alone.
 *
 * DEVIATION: D25. The reference names the streams of JetStream as ours, and loses what is published to names that are none there.
 */
export class NatsHistory implements History {
  readonly publish: History["publish"];
  readonly #jetStream: JetStream;
  readonly #parts: NatsHistoryParts;
  readonly #settings: KeptSettings;
  readonly #writer: HistoryWriter;
  readonly #looks = new SharedLooks<KeptStream | null>();
  readonly #reads = new SharedLooks<StoredMessage | null>();
  readonly #stopSweeping: Cancel;
  #sweeping = false;

  constructor(settings: KeptSettings, parts: NatsHistoryParts) {
    const { jetStream, clock } = parts;
    this.#settings = settings;
    this.#parts = parts;
    this.#jetStream = jetStream;
    this.#writer = new HistoryWriter(settings, parts);
    // What is not kept goes as what is transient does.
    this.publish = settings.limit === 0 ? null : (publication) => this.#publish(publication);
    const everyMs = Math.min(LONGEST_SWEEP_MS, Math.max(SHORTEST_SWEEP_MS, settings.ttlMs));
    this.#stopSweeping = clock.every(everyMs, () => void this.#sweep());
  }

  async append(stream: string, message: string): Promise<Position | null> {
    if (this.#settings.limit === 0) return null;
    const about = { excludeSid: null, broadcastType: null, transient: false, position: null };
    const offset = await this.#writer.store(stream, streamMessage({ stream, message, ...about }, null));
    return { epoch: this.#writer.epochOf(stream) ?? "", offset };
  }

  async after(stream: string, { epoch, offset }: Position): Promise<Backlog> {
    const found = await this.#find(stream);
    if (found === null) return UNKNOWN;
    if (epochIn(found.handsOnTo) !== epoch) {
      return { kept: false, why: "the epoch is not that of the stream" };
    }
    const { first, last } = found;
    if (offset > last) return { kept: false, why: `offset ${offset} is ahead of the last one, ${last}` };
    // DEVIATION: D23. The reference refuses what is exactly before the oldest message.
    if (offset < first - 1) return gone(offset, first - 1);
    const messages = await readKept((at) => this.#read(stream, found, at), offset + 1, last);
    // Meanwhile some may have gone.
    const oldest = messages[0]?.sequence ?? last + 1;
    if (oldest > offset + 1) return gone(offset, oldest - 1);
    return { kept: true, epoch, messages: messages.map(keptMessage) };
  }

  async since(stream: string, sinceS: number): Promise<Backlog> {
    if (this.#settings.limit === 0) return { kept: false, why: "history_limit is 0, so nothing is kept" };
    const found = await this.#find(stream);
    if (found === null) return { kept: true, epoch: "", messages: [] };
    const from = await this.#firstSince(stream, found, sinceS * 1000);
    const messages = await readKept((at) => this.#read(stream, found, at), from, found.last);
    const recent = messages.filter(({ atMs }) => atMs >= sinceS * 1000);
    return { kept: true, epoch: epochIn(found.handsOnTo), messages: recent.map(keptMessage) };
  }

  async head(stream: string): Promise<Position | null> {
    if (this.#settings.limit === 0) return null;
    // Where the last publication of this server will stand, whatever comes behind it.
    const own = await this.#writer.underWay(stream)?.catch(() => null);
    const epoch = this.#writer.epochOf(stream);
    if (own !== undefined && own !== null && epoch !== null) return { epoch, offset: own };
    const found = await this.#find(stream);
    return found === null || found.last === 0
      ? null
      : { epoch: epochIn(found.handsOnTo), offset: found.last };
  }

  /** What NATS keeps is no matter of this process. */
  size(): HistorySize {
    return { streams: 0, messages: 0 };
  }

  close(): void {
    this.#stopSweeping();
  }

  async #publish(publication: Publication): Promise<void> {
    await this.#writer.store(publication.stream, streamMessage(publication, null));
  }

  /** With all that was published to it by this server. A stream that is to be deleted is not there any more (DEVIATION: D24). */
  async #find(stream: string): Promise<KeptStream | null> {
    await this.#writer.underWay(stream)?.catch(() => {});
    const found = await this.#looks.ask(stream, async () => {
      await this.#jetStream.ready();
      return findKept(this.#jetStream, nameOf(stream));
    });
    if (found === null) return null;
    return found.lastAtMs + this.#idleMs <= this.#parts.time.nowMs() ? null : found;
  }

  get #idleMs(): number {
    return LIVES_OF_A_STREAM * this.#settings.ttlMs;
  }

  /** Of the many that come back together most ask for the same. */
  #read(stream: string, { handsOnTo }: KeptStream, offset: number): Promise<StoredMessage | null> {
    return this.#reads.join(`${handsOnTo} ${offset}`, () => readOne(this.#jetStream, nameOf(stream), offset));
  }

  /** Where to begin to read, so that no message since then is left out. */
  async #firstSince(stream: string, found: KeptStream, sinceMs: number): Promise<number> {
    let from = found.first;
    let to = found.last;
    while (to - from > WORTH_SEARCHING) {
      const middle = Math.floor((from + to) / 2);
      const message = await this.#read(stream, found, middle);
      if (message === null || message.atMs < sinceMs) from = middle;
      else to = middle;
    }
    return from;
  }

  /** A message that comes between its look and the deletion is missing from then on, and the epoch says so. */
  async #sweep(): Promise<void> {
    this.#writer.prune();
    const { log, mayForget } = this.#parts;
    if (this.#sweeping || !this.#jetStream.isReady || !mayForget()) return;
    this.#sweeping = true;
    try {
      const nowMs = this.#parts.time.nowMs();
      const deleted = await deleteIdleKept(this.#jetStream, HISTORY_SUBJECTS, this.#idleMs, nowMs);
      if (deleted > 0) log.debug("forgot streams that nobody publishes to", { streams: deleted });
    } catch (thrown) {
      log.warn("streams that nobody publishes to were not deleted", { error: messageOf(thrown) });
    } finally {
      this.#sweeping = false;
    }
  }
}

function keptMessage({ sequence, text }: StoredMessage): KeptMessage {
  const parsed = parsePublication(text);
  // Whoever may publish to JetStream may have put something else there; its place in the count stays.
  const message = parsed.kind === "messages" ? (parsed.messages[0]?.message ?? "null") : "null";
  return { offset: sequence, message };
}

function gone(offset: number, upTo: number): Backlog {
  return { kept: false, why: `what came after offset ${offset} is gone, up to ${upTo}` };
}
