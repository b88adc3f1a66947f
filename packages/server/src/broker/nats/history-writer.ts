import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import type { Random } from "@hawser/core/random";
import type { JetStream } from "../../drivers/nats/jet-stream.ts";
import { deleteKept, type KeptSettings, type KeptStream, openKept } from "../../drivers/nats/kept-streams.ts";
import {
  encodeName,
  epochIn,
  HISTORY_PREFIX,
  historySubject,
  keptSubject,
} from "../../drivers/nats/names.ts";

export interface HistoryWriterParts {
  readonly jetStream: JetStream;
  readonly clock: Clock;
  readonly random: Random;
}

/** What is being done so that a stream can be published to. */
interface Opening {
  readonly opened: Promise<Known>;
  waiting: number;
}

/** Which stream of JetStream is there, as this server last knew. */
interface Known {
  readonly epoch: string;
  /** Offset of the last message that this server had stored there. */
  last: number;
  untilMs: number;
  /** False since the connection was lost: it has to be looked for. */
  isSure: boolean;
}

/** An epoch that this or another server gave out must not come again: 48 bits. */
const EPOCH_LENGTH = 8;
/** After half of that somebody might be about to delete it, whose clock is another. */
const LIVES_KNOWN = 5;

/** The name of the stream of JetStream that has the history of one of ours. */
export const nameOf = (stream: string): string => `${HISTORY_PREFIX}${encodeName(stream)}`;

/** Stores messages, and makes the streams for them. */
export class HistoryWriter {
  readonly #settings: KeptSettings;
  readonly #jetStream: JetStream;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #known = new Map<string, Known>();
  readonly #openings = new Map<string, Opening>();
  readonly #underWay = new Map<string, Promise<number>>();

  constructor(settings: KeptSettings, { jetStream, clock, random }: HistoryWriterParts) {
    this.#settings = settings;
    this.#jetStream = jetStream;
    this.#clock = clock;
    this.#random = random;
    // Another NATS may have answered, or one that lost something.
    jetStream.whenReady(() => {
      for (const known of this.#known.values()) known.isSure = false;
    });
  }

  /** As of the last message that was stored; null where that is long ago. */
  epochOf(stream: string): string | null {
    return this.#known.get(stream)?.epoch ?? null;
  }

  /** The last message for a stream that JetStream has not answered yet: who asks afterwards is to be told of it. */
  underWay(stream: string): Promise<number> | undefined {
    return this.#underWay.get(stream);
  }

  /** Forgets streams that it stored nothing in for long. */
  prune(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [stream, { untilMs }] of this.#known) if (untilMs <= nowMs) this.#known.delete(stream);
  }

  /** Sent in this very tick where the stream is known; what comes for a stream that is being made waits for that, in its order. */
  store(stream: string, text: string): Promise<number> {
    const opening = this.#openings.get(stream);
    const known = this.#known.get(stream);
    const isKnown = known?.isSure === true && known.untilMs > this.#clock.monotonicMs();
    const stored =
      opening === undefined && isKnown && this.#jetStream.isReady
        ? this.#storeInKnown(stream, known, text)
        : this.#storeOnceOpen(stream, text, opening ?? this.#open(stream));
    this.#underWay.set(stream, stored);
    const done = () => {
      if (this.#underWay.get(stream) === stored) this.#underWay.delete(stream);
    };
    stored.then(done, done);
    return stored;
  }

  async #storeInKnown(stream: string, known: Known, text: string): Promise<number> {
    const offset = await this.#jetStream.store(historySubject(stream), text);
    if (typeof offset === "number") {
      known.last = Math.max(known.last, offset);
      known.untilMs = this.#clock.monotonicMs() + LIVES_KNOWN * this.#settings.ttlMs;
      return offset;
    }
    // Somebody deleted it.
    this.#known.delete(stream);
    return this.#storeOnceOpen(stream, text, this.#openings.get(stream) ?? this.#open(stream));
  }

  async #storeOnceOpen(stream: string, text: string, opening: Opening): Promise<number> {
    opening.waiting += 1;
    let known: Known;
    try {
      known = await opening.opened;
    } finally {
      opening.waiting -= 1;
      if (opening.waiting === 0) this.#openings.delete(stream);
    }
    this.#known.set(stream, known);
    const offset = await this.#jetStream.store(historySubject(stream), text);
    if (typeof offset === "number") {
      known.last = Math.max(known.last, offset);
      return offset;
    }
    this.#known.delete(stream);
    throw new CableError("io_failed", "store a message in JetStream: its stream was deleted", {
      retryable: true,
    });
  }

  #open(stream: string): Opening {
    const open = async (): Promise<Known> => {
      await this.#jetStream.ready();
      const before = this.#known.get(stream);
      let found = await this.#findOrMake(stream);
      if (before?.epoch === epochIn(found.handsOnTo) && found.last < before.last) {
        // NATS lost its last messages in a crash, and would give their offsets out again.
        await deleteKept(this.#jetStream, nameOf(stream));
        found = await this.#findOrMake(stream);
      }
      const untilMs = this.#clock.monotonicMs() + LIVES_KNOWN * this.#settings.ttlMs;
      return { epoch: epochIn(found.handsOnTo), last: found.last, untilMs, isSure: true };
    };
    const opening: Opening = { opened: open(), waiting: 0 };
    this.#openings.set(stream, opening);
    return opening;
  }

  #findOrMake(stream: string): Promise<KeptStream> {
    return openKept(this.#jetStream, {
      ...this.#settings,
      name: nameOf(stream),
      subject: historySubject(stream),
      handsOnTo: keptSubject(stream, this.#random.id(EPOCH_LENGTH)),
    });
  }
}
