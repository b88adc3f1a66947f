import type { Clock } from "@hawser/core/clock";
import type { FromNodes } from "@hawser/core/engine/pub-sub";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import type { LinkMark } from "../../drivers/link-book.ts";
import type { RedisConnection, RedisTarget } from "../../drivers/redis/redis-connection.ts";
import { RedisLink } from "../../drivers/redis/redis-link.ts";
import type { Nodes } from "../nodes.ts";
import { StreamChanges } from "../stream-changes.ts";

export interface RedisNodesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Opens a mark for each link. */
  readonly mark: () => LinkMark;
}

/** Channels named in one command (anycable pubsub/redis.go@1.6.16). */
const CHANNELS_AT_ONCE = 256;

/** Messages that may be on their way to Redis; past that it is too slow to be given more. */
const MOST_UNDER_WAY = 20_000;

/**
 * Passes messages on by Redis as the reference does, so that its servers may be among ours (anycable pubsub/redis.go@1.6.16):
 * a stream is a channel of its own name, commands have one of their own, and a message comes back to the server that sent it
 * as to all others.
 */
export class RedisNodes implements Nodes {
  readonly #channel: string;
  readonly #parts: RedisNodesParts;
  readonly #publisher: RedisLink;
  readonly #subscriber: RedisLink;
  readonly #streams = new StreamChanges();
  #engine: FromNodes | null = null;
  #underWay = 0;
  #hasBeenUp = false;
  #lost = 0;
  #lostBefore = 0;
  #last: Promise<void> = Promise.resolve();

  /** @param channel by which commands go. */
  constructor(target: RedisTarget, channel: string, parts: RedisNodesParts) {
    const { clock, random, log, mark } = parts;
    this.#channel = channel;
    this.#parts = parts;
    const use = { keyed: false, longestWaitMs: 0 };
    this.#publisher = new RedisLink(target, use, {
      ...{ clock, random, log, mark: mark() },
      // TLS may take a client that it is about to turn away.
      onUp: async ({ commands }) => void (await commands.ping()),
    });
    this.#subscriber = new RedisLink(
      target,
      { ...use, onMessage: (from, text) => this.#engine?.deliver(text, from === channel ? null : from) },
      {
        ...{ clock, random, log, mark: mark() },
        onUp: (connection, again) => this.#subscribeAll(connection, again),
        onDown: () => this.#part(),
      },
    );
  }

  get isUp(): boolean {
    return (
      this.#publisher.connection !== null &&
      this.#subscriber.connection !== null &&
      this.#underWay < MOST_UNDER_WAY
    );
  }

  get hasBeenUp(): boolean {
    return this.#hasBeenUp;
  }

  start(engine: FromNodes): void {
    this.#engine = engine;
    engine.parted();
    this.#publisher.start();
    this.#subscriber.start();
  }

  async stop(): Promise<void> {
    await this.#last;
    this.#publisher.stop();
    this.#subscriber.stop();
  }

  publish(stream: string, text: string): void {
    this.#hand(stream, text);
  }

  command(text: string): void {
    this.#hand(this.#channel, text);
  }

  follow(stream: string): void {
    if (stream !== this.#channel && this.#streams.follow(stream)) this.#tellSoon();
  }

  unfollow(stream: string): void {
    if (stream !== this.#channel && this.#streams.unfollow(stream)) this.#tellSoon();
  }

  following(stream: string): Promise<void> | null {
    return stream === this.#channel ? null : this.#streams.following(stream);
  }

  async settled(): Promise<boolean> {
    await this.#last;
    const lost = this.#lost - this.#lostBefore;
    this.#lostBefore = this.#lost;
    return lost === 0;
  }

  #hand(channel: string, text: string): void {
    const connection = this.#publisher.connection;
    if (connection === null) {
      this.#lost += 1;
      return;
    }
    this.#underWay += 1;
    this.#last = connection.commands.publish(channel, text).then(this.#arrived, this.#missed);
  }

  readonly #arrived = (): void => {
    this.#underWay -= 1;
  };

  readonly #missed = (thrown: unknown): void => {
    this.#underWay -= 1;
    this.#lost += 1;
    this.#parts.log.debug("failed to publish message", { error: messageOf(thrown) });
  };

  /** Those who come and go within one turn are told of together. */
  #tellSoon(): void {
    this.#parts.clock.after(0, () => {
      const connection = this.#subscriber.connection;
      // While there is none all of it waits: whoever connects tells everything.
      if (connection !== null)
        this.#tell(connection).catch((thrown) => this.#subscriber.drop(messageOf(thrown)));
    });
  }

  async #tell(connection: RedisConnection): Promise<void> {
    const { begin, end, telling } = this.#streams.take();
    const answers: Promise<void>[] = [];
    for (const channels of inParts(begin))
      answers.push(connection.subscribe(channels).then(() => this.#streams.confirmed(channels, telling)));
    for (const channels of inParts(end)) answers.push(connection.unsubscribe(channels));
    await Promise.all(answers);
  }

  #part(): void {
    this.#streams.forget();
    this.#engine?.parted();
  }

  async #subscribeAll(connection: RedisConnection, again: boolean): Promise<void> {
    // The one before may have broken before anybody had it, and nobody was told.
    this.#part();
    await connection.subscribe([this.#channel]);
    await this.#tell(connection);
    // Whoever came meanwhile found no connection; by the next turn this one is everybody's.
    if (this.#streams.areChanged) this.#tellSoon();
    this.#hasBeenUp = true;
    this.#engine?.rejoined();
    this.#parts.log.info(again ? "reconnected" : "connected", { channel: this.#channel });
  }
}

function* inParts(channels: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < channels.length; at += CHANNELS_AT_ONCE)
    yield channels.slice(at, at + CHANNELS_AT_ONCE);
}
