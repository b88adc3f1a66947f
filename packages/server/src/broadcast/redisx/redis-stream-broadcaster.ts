import type { Clock } from "@hawser/core/clock";
import type { Engine } from "@hawser/core/engine/engine";
import type { PubSub } from "@hawser/core/engine/pub-sub";
import type { PublishResult } from "@hawser/core/engine/publish";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { LinkMark } from "../../drivers/link-book.ts";
import type { RedisTarget } from "../../drivers/redis/redis-connection.ts";
import { RedisLink } from "../../drivers/redis/redis-link.ts";
import type { Broadcaster } from "../broadcaster.ts";
import { OUR_CONSUMERS, type StreamEntry, StreamGroup } from "./stream-group.ts";

export interface RedisStreamOptions {
  readonly stream: string;
  readonly group: string;
  /** How long what a server of another kind has read is left to it. */
  readonly blockMs: number;
}

export interface RedisStreamParts {
  readonly engine: Pick<Engine, "publish">;
  /** Null where there are no other nodes. */
  readonly pubSub: Pick<PubSub, "isUp" | "settled"> | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly mark: LinkMark;
}

/** How long another server waits before it takes a silent reader for dead. */
const LEASE_MS = 2_000;
/** How long a read waits for entries; the lease is kept between two of them. */
const READ_MS = 500;
/** How soon a server that may not read, or cannot hand on, looks again. */
const LOOK_AGAIN_MS = 250;

/**
 * Takes publications from a stream of Redis (anycable broadcast/redis.go, redis/streamer.go@1.6.16): one of the servers reads,
 * and acknowledges an entry once it is handed on, so that each is delivered at least once, and in the order of the stream.
 *
 * DEVIATION: D12. An entry that cannot be read is logged, counted and acknowledged; the reference tries it for ever.
 */
export class RedisStreamBroadcaster implements Broadcaster {
  readonly #options: RedisStreamOptions;
  readonly #parts: RedisStreamParts;
  readonly #consumer: string;
  readonly #link: RedisLink;
  #stopping = false;
  #reading: Promise<void> = Promise.resolve();
  #leaseUntilMs = Number.NEGATIVE_INFINITY;
  /** Whether there may be entries that were read and not finished, by this server or by another. */
  #unfinished = true;
  /** When to look whether a server of another kind has left any. */
  #nextLookMs = 0;

  constructor(target: RedisTarget, options: RedisStreamOptions, parts: RedisStreamParts) {
    this.#options = options;
    this.#parts = parts;
    this.#consumer = `${OUR_CONSUMERS}${parts.random.id(6)}`;
    const { clock, random, log, mark } = parts;
    this.#link = new RedisLink(
      target,
      { keyed: true, longestWaitMs: READ_MS },
      {
        ...{ clock, random, log, mark },
        onUp: async ({ commands }, again) => {
          const { stream, group } = options;
          const streamGroup = new StreamGroup(commands, { stream, group, consumer: this.#consumer });
          await streamGroup.create();
          log.info(`${again ? "reconnected" : "connected"} to Redis stream`, {
            stream,
            consumer: this.#consumer,
          });
          this.#leaseUntilMs = Number.NEGATIVE_INFINITY;
          this.#reading = this.#read(streamGroup);
        },
      },
    );
  }

  start(): void {
    this.#link.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#reading;
    this.#link.stop();
  }

  /** Reads until it is to stop, or something goes wrong with the connection. */
  async #read(group: StreamGroup): Promise<void> {
    try {
      while (!this.#stopping) {
        if (!(await this.#mayRead(group))) await this.#pause();
        else if (this.#unfinished) await this.#finishOld(group);
        else await this.#handOn(group, await group.readNew(READ_MS));
      }
      await group.leave();
    } catch (thrown) {
      this.#unfinished = true;
      this.#link.drop(messageOf(thrown));
    }
  }

  /** Whether this server is the one that reads; while it could not hand on what it reads, another one may. */
  async #mayRead(group: StreamGroup): Promise<boolean> {
    const { pubSub, clock } = this.#parts;
    const held = this.#leaseUntilMs > clock.monotonicMs();
    if (pubSub !== null && !pubSub.isUp) {
      if (held) await group.giveLease();
      this.#leaseUntilMs = Number.NEGATIVE_INFINITY;
      return false;
    }
    const askedMs = clock.monotonicMs();
    const taken = await group.takeLease(LEASE_MS);
    if (!held || askedMs >= this.#nextLookMs) this.#unfinished = true;
    this.#leaseUntilMs = taken ? askedMs + LEASE_MS : Number.NEGATIVE_INFINITY;
    return taken;
  }

  /** Entries that were read before, by whomever, come before new ones. */
  async #finishOld(group: StreamGroup): Promise<void> {
    const { blockMs } = this.#options;
    this.#nextLookMs = this.#parts.clock.monotonicMs() + blockMs;
    await group.takeOver(blockMs);
    const entries = await group.readOwn();
    if (entries.length === 0) this.#unfinished = false;
    else if (!(await this.#handOn(group, entries))) await this.#pause();
  }

  /** True when all of them are out. One that is not stays with this consumer, and so do those behind it. */
  async #handOn(group: StreamGroup, entries: readonly StreamEntry[]): Promise<boolean> {
    const { engine, pubSub, clock } = this.#parts;
    const results: Promise<PublishResult>[] = [];
    for (const { payload } of entries) {
      // Another server may have taken the lease of one that was stopped for a while.
      if (clock.monotonicMs() >= this.#leaseUntilMs) break;
      const result = engine.publish(payload ?? "");
      results.push(Promise.resolve(result));
      if (!(result instanceof Promise) && isToComeAgain(result)) break;
    }
    const outcomes = await Promise.all(results);
    const wentOut = pubSub === null || (await pubSub.settled());
    const finished = wentOut
      ? entries.filter((entry, index) => this.#isFinished(entry, outcomes[index]))
      : [];
    if (finished.length > 0) await group.finish(finished.map(({ id }) => id));
    if (finished.length === entries.length) return true;
    this.#unfinished = true;
    return false;
  }

  #isFinished({ id, payload }: StreamEntry, outcome: PublishResult | undefined): boolean {
    if (outcome === undefined || isToComeAgain(outcome)) return false;
    if (!outcome.accepted) {
      const error = payload === null ? "it has no field payload" : outcome.why;
      this.#parts.log.warn("an entry of the stream cannot be used and is left out", { id, error });
    }
    return true;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(LOOK_AGAIN_MS, resolve);
    });
  }
}

function isToComeAgain(result: PublishResult): boolean {
  return !result.accepted && result.fault === "unavailable";
}
