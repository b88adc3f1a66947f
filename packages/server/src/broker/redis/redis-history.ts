import type { Backlog, History, HistorySize, KeptMessage, Position } from "@hawser/core/broker/history";
import type { Publication } from "@hawser/core/protocol/publication";
import { streamMessage } from "@hawser/core/protocol/stream-message";
import type { Random } from "@hawser/core/random";
import type { BrokerLink } from "./broker-link.ts";
import { AFTER, APPEND, HEAD, SINCE } from "./history-scripts.ts";
import { historyKeys } from "./keys.ts";

export interface RedisHistoryOptions {
  /** Messages of one stream; 0 keeps nothing (DEVIATION: D26). */
  readonly limit: number;
  readonly ttlMs: number;
}

export const HISTORY_SCRIPTS = [AFTER, APPEND, HEAD, SINCE];

/** A stream is known for so many times the time of its messages (anycable broker/memory.go@1.6.16). */
const LIVES_OF_A_STREAM = 10;

/** Redis gives out epochs, and one must not come again: 48 bits (DEVIATION: D24). */
const EPOCH_LENGTH = 8;

/** History in Redis, the same for all servers. Each call is one script. */
export class RedisHistory implements History {
  readonly publish: History["publish"];
  readonly #link: Pick<BrokerLink, "run" | "runOfRedis">;
  readonly #random: Random;
  readonly #limit: number;
  readonly #ttlMs: number;

  constructor(
    { limit, ttlMs }: RedisHistoryOptions,
    link: Pick<BrokerLink, "run" | "runOfRedis">,
    random: Random,
  ) {
    this.#limit = limit;
    // Redis takes no time of nothing.
    this.#ttlMs = Math.max(1, ttlMs);
    this.#link = link;
    this.#random = random;
    this.publish = limit === 0 ? null : (publication) => this.#publish(publication);
  }

  async append(stream: string, message: string): Promise<Position | null> {
    if (this.#limit === 0) return null;
    const [epoch, offset] = (await this.#append(stream, message)) as [string, number];
    return { epoch, offset };
  }

  async after(stream: string, { epoch, offset }: Position): Promise<Backlog> {
    if (this.#limit === 0) return notKept(NOTHING_KEPT);
    const reply = await this.#link.run("read history", AFTER, historyKeys(stream), [
      epoch,
      offset,
      this.#ttlMs,
    ]);
    const [state, first, messages] = reply as [string, string | number, readonly string[]];
    if (state === "kept") return { kept: true, epoch: String(first), messages: keptAfter(offset, messages) };
    if (state === "unknown") return notKept("nothing is known of the stream");
    if (state === "epoch") return notKept("the epoch is not that of the stream");
    if (state === "ahead") return notKept(`offset ${offset} is ahead of the last one, ${first}`);
    return notKept(`what came after offset ${offset} is gone, up to ${first}`);
  }

  async since(stream: string, sinceS: number): Promise<Backlog> {
    if (this.#limit === 0) return notKept(NOTHING_KEPT);
    const reply = await this.#link.run("read history", SINCE, historyKeys(stream), [sinceS, this.#ttlMs]);
    const [epoch, offset, messages] = reply as [string, number, readonly string[]];
    return { kept: true, epoch, messages: keptAfter(offset, messages) };
  }

  async head(stream: string): Promise<Position | null> {
    if (this.#limit === 0) return null;
    const reply = await this.#link.run("read history", HEAD, [historyKeys(stream)[0]], []);
    const [epoch, offset] = reply as [] | [string, number];
    return epoch === undefined || offset === undefined ? null : { epoch, offset };
  }

  /** This process keeps nothing. */
  size(): HistorySize {
    return { streams: 0, messages: 0 };
  }

  async #publish(publication: Publication): Promise<void> {
    const { stream, message } = publication;
    await this.#append(stream, message, stream, streamMessage(publication, null).slice(0, -1));
  }

  #append(stream: string, message: string, ...told: readonly string[]): Promise<unknown> {
    return this.#link.run("keep a message", APPEND, historyKeys(stream), [
      message,
      this.#random.id(EPOCH_LENGTH),
      this.#limit,
      this.#ttlMs,
      this.#ttlMs * LIVES_OF_A_STREAM,
      this.#link.runOfRedis,
      ...told,
    ]);
  }
}

const NOTHING_KEPT = "history_limit is 0, so nothing is kept";

function notKept(why: string): Backlog {
  return { kept: false, why };
}

function keptAfter(offset: number, messages: readonly string[]): KeptMessage[] {
  return messages.map((message, index) => ({ offset: offset + index + 1, message }));
}
