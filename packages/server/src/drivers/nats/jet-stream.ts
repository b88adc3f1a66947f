import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type {
  DirectMsgRequest,
  JetStreamClient,
  JetStreamManager,
  MsgRequest,
  StoredMsg,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { retryDelayMs } from "../retry-delay.ts";
import type { NatsLink } from "./nats-link.ts";

type Library = typeof import("@nats-io/jetstream");

export interface JetStreamParts {
  /** Servers of a cluster that keep each stream. */
  readonly replicas: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How long an answer of JetStream is waited for. */
export const ANSWER_TIMEOUT_MS = 5_000;
/** What is asked before JetStream is there waits for so long. */
const READY_TIMEOUT_MS = 2_000;
/** While it is not, the log says so this often. */
const REMINDER_MS = 60_000;

/** What JetStream is told with a message. */
export interface StoreHeaders {
  /** The number of the last message of this subject; 0 for none. */
  readonly "Nats-Expected-Last-Subject-Sequence"?: string;
  readonly "KV-Operation"?: "DEL";
}

/** `nowhere`: no stream takes the subject. `changed`: what was expected of it is not so. */
export type Stored = number | "nowhere" | "changed";

interface StoreAnswer {
  readonly seq?: number;
  readonly error?: { readonly err_code: number; readonly description: string };
}

const STORING = "store a message in JetStream";
/** There is no such message, or none of that number any more. */
const UNKNOWN_MESSAGE: readonly unknown[] = [10037, 10043, 10057];
const SUBJECTS_OVERLAP = 10065;
/** Another message is the last one than was expected. */
const WRONG_SEQUENCE: readonly number[] = [10071, 10164];

/** Whoever waits until JetStream is there. */
interface Waiting {
  readonly resolve: () => void;
  readonly reject: (fault: CableError) => void;
  readonly cancel: Cancel;
}

/** JetStream by way of a connection, which may come and go: whether it is there, and what it is asked. */
export class JetStream {
  readonly #link: NatsLink;
  readonly #parts: JetStreamParts;
  readonly #waiting = new Set<Waiting>();
  readonly #onReady: (() => void)[] = [];
  #library: Library | null = null;
  #manager: JetStreamManager | null = null;
  /** `breaks` of the connection by which JetStream was found; null before it was. */
  #foundAt: number | null = null;
  #looksFor = 0;
  #attempt = 0;
  #lastToldMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(link: NatsLink, parts: JetStreamParts) {
    this.#link = link;
    this.#parts = parts;
    link.whenUp(() => void this.#look());
  }

  get isReady(): boolean {
    return this.#link.isUp && this.#foundAt === this.#link.breaks;
  }

  /** Called each time that JetStream is there after it was not. */
  whenReady(listener: () => void): void {
    this.#onReady.push(listener);
  }

  /** Resolves when JetStream is there; rejects when that takes too long. */
  ready(): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = this.#parts.clock.after(READY_TIMEOUT_MS, () => {
        this.#waiting.delete(waiting);
        reject(fault("use JetStream", "it is not there yet"));
      });
      const waiting: Waiting = { resolve, reject, cancel };
      this.#waiting.add(waiting);
    });
  }

  /** What administers streams. @throws CableError `io_failed` without a connection. */
  get manager(): JetStreamManager {
    void this.#link.connection;
    if (this.#manager === null) throw fault("ask JetStream", "it is not there yet");
    return this.#manager;
  }

  /** How many servers of a cluster keep a stream. */
  get replicas(): number {
    return this.#parts.replicas;
  }

  /**
   * One message of a stream; null where there is none. Of several servers that keep it the one that leads is asked: another may
   * be behind, and so where NATS lost a direct question, as it may while the stream is being made.
   */
  async message(stream: string, which: DirectMsgRequest & MsgRequest): Promise<StoredMsg | null> {
    const { direct, streams } = this.manager;
    if (this.replicas > 1) return streams.getMessage(stream, which);
    try {
      return await direct.getMessage(stream, which);
    } catch (thrown) {
      if (!isUnanswered(thrown)) throw thrown;
      return streams.getMessage(stream, which);
    }
  }

  /** What opens buckets of keys and values. @throws CableError `io_failed` without a connection. */
  get client(): JetStreamClient {
    return this.manager.jetstream();
  }

  /**
   * Stores a message.
   *
   * @param headers by name; most messages have none.
   * @returns its number in its stream.
   * @throws CableError `io_failed` when it is not known to be stored.
   */
  async store(subject: string, text: string, headers: StoreHeaders | null = null): Promise<Stored> {
    let answer: string;
    try {
      const options = { timeout: ANSWER_TIMEOUT_MS };
      const { connection } = this.#link;
      const request =
        headers === null ? options : { ...options, headers: this.#link.headers(Object.entries(headers)) };
      answer = (await connection.request(subject, text, request)).string();
    } catch (thrown) {
      if (isNobodyThere(thrown)) return "nowhere";
      throw asFault(STORING, thrown);
    }
    // JetStream's answer: a number, or what is wrong.
    const { seq, error } = JSON.parse(answer) as StoreAnswer;
    if (error !== undefined && WRONG_SEQUENCE.includes(error.err_code)) return "changed";
    if (seq === undefined || error !== undefined) {
      throw fault(STORING, error?.description ?? "the answer has no number");
    }
    return seq;
  }

  stop(): void {
    this.#stopped = true;
    for (const waiting of this.#waiting) this.#settle(waiting, fault("use JetStream", "the server stops"));
  }

  /** Asks until JetStream answers, or the connection is another one. */
  async #look(): Promise<void> {
    this.#looksFor += 1;
    const looksFor = this.#looksFor;
    this.#attempt = 0;
    while (!this.#stopped && looksFor === this.#looksFor && this.#link.isUp) {
      const { breaks } = this.#link;
      try {
        this.#library ??= await import("@nats-io/jetstream");
        const options = { checkAPI: false, timeout: ANSWER_TIMEOUT_MS };
        this.#manager = await this.#library.jetstreamManager(this.#link.connection, options);
        await this.#manager.getAccountInfo();
        if (looksFor !== this.#looksFor) return;
        this.#found(breaks);
        return;
      } catch (thrown) {
        this.#tell(thrown);
      }
      const delayMs = retryDelayMs(this.#attempt++, this.#parts.random);
      await new Promise<void>((resolve) => this.#parts.clock.after(delayMs, resolve));
    }
  }

  #found(breaks: number): void {
    this.#foundAt = breaks;
    this.#lastToldMs = Number.NEGATIVE_INFINITY;
    if (!this.isReady) return;
    for (const waiting of this.#waiting) this.#settle(waiting, null);
    for (const listener of this.#onReady) listener();
  }

  #settle(waiting: Waiting, why: CableError | null): void {
    this.#waiting.delete(waiting);
    waiting.cancel();
    if (why === null) waiting.resolve();
    else waiting.reject(why);
  }

  #tell(thrown: unknown): void {
    const { clock, log } = this.#parts;
    const nowMs = clock.monotonicMs();
    const level = nowMs - this.#lastToldMs >= REMINDER_MS ? "warn" : "debug";
    if (level === "warn") this.#lastToldMs = nowMs;
    log[level]("JetStream cannot be used; trying again", { error: whyNoJetStream(thrown) });
  }
}

/** Asks JetStream once. Throws what is wrong, and what to try. */
export async function probeJetStream(connection: NatsConnection): Promise<void> {
  try {
    const library = await import("@nats-io/jetstream");
    await library.jetstreamManager(connection, { checkAPI: true, timeout: ANSWER_TIMEOUT_MS });
  } catch (thrown) {
    throw fault("use JetStream", whyNoJetStream(thrown));
  }
}

function whyNoJetStream(thrown: unknown): string {
  const isOff = isNobodyThere(thrown) || (thrown instanceof Error && thrown.name === "JetStreamNotEnabled");
  return isOff
    ? "this NATS has no JetStream for this login: start nats-server with --jetstream, or turn it on for the account"
    : messageOf(thrown);
}

function isUnanswered(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "TimeoutError";
}

/** Whether JetStream refuses to make a stream for another one of its subjects: the same, that somebody else is making. */
export function isBeingMade(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === SUBJECTS_OVERLAP;
}

/** Whether a fault of the library says that there is no such stream. */
export function isUnknownStream(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "StreamNotFoundError";
}

/** The same of a message. */
export function isUnknownMessage(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && UNKNOWN_MESSAGE.includes(thrown.code);
}

/** As `fault`, of whatever was thrown; one that is ours already stays what it is. */
export function asFault(doing: string, thrown: unknown): CableError {
  return thrown instanceof CableError ? thrown : fault(doing, messageOf(thrown));
}

export function timedOut(doing: string): CableError {
  return fault(doing, "it takes too long");
}

function fault(doing: string, why: string): CableError {
  return new CableError("io_failed", `${doing}: ${why}; see whether NATS is well`, { retryable: true });
}

export function isNobodyThere(thrown: unknown): boolean {
  return thrown instanceof Error && "isNoResponders" in thrown && typeof thrown.isNoResponders === "function"
    ? thrown.isNoResponders() === true
    : false;
}
