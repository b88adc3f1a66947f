import type { Cancel, Clock } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { Random } from "@hawser/core/random";
import { LinkBook, type LinkMark } from "../link-book.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { connectRedis, type RedisConnection, type RedisTarget, type RedisUse } from "./redis-connection.ts";

export interface RedisLinkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where it is told whether the link stands; one of its own unless given. */
  readonly mark?: LinkMark;
  /**
   * Makes a new connection ready for use; one for which it rejects is given up. `again` is true after the first one.
   */
  readonly onUp: (connection: RedisConnection, again: boolean) => Promise<void>;
  /** The connection that was ready is gone. */
  readonly onDown?: () => void;
}

/** A connection to Redis that is made again, for as long as it takes, whenever it is lost. */
export class RedisLink {
  readonly #target: RedisTarget;
  readonly #use: RedisUse;
  readonly #parts: RedisLinkParts;
  readonly #mark: LinkMark;
  /** The one that is ready. */
  #connection: RedisConnection | null = null;
  #attempt = 0;
  #wasUp = false;
  #cancelRetry: Cancel | null = null;
  #stopped = false;

  constructor(target: RedisTarget, use: RedisUse, parts: RedisLinkParts) {
    this.#target = target;
    this.#use = use;
    this.#parts = parts;
    this.#mark = parts.mark ?? new LinkBook(parts.clock, parts.log).open("redis", "");
  }

  /** Null while there is none that is ready. */
  get connection(): RedisConnection | null {
    return this.#connection;
  }

  /** Begins to connect; returns at once. */
  start(): void {
    void this.#connect();
  }

  /** Gives the connection up, for a reason that it does not see itself, and makes another. */
  drop(why: string): void {
    const connection = this.#connection;
    if (connection === null) return;
    connection.close();
    this.#lost(why);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#connection?.close();
    this.#connection = null;
  }

  async #connect(): Promise<void> {
    let made: RedisConnection | null = null;
    let brokenWhile: string | null = null;
    try {
      made = await connectRedis(this.#target, this.#use, this.#attempt, {
        clock: this.#parts.clock,
        onRemark: (text) => this.#mark.remark(text),
        onEnd: (why) => {
          brokenWhile = why;
          if (made !== null && this.#connection === made) this.#lost(why);
        },
      });
      if (!this.#stopped) await this.#parts.onUp(made, this.#wasUp);
      if (brokenWhile !== null) throw new Error(brokenWhile);
    } catch (thrown) {
      made?.close();
      if (!this.#stopped) this.#retry("Redis cannot be used; trying again", brokenWhile ?? messageOf(thrown));
      return;
    }
    if (this.#stopped) return made.close();
    this.#connection = made;
    this.#attempt = 0;
    this.#wasUp = true;
    this.#mark.up();
  }

  #lost(why: string): void {
    this.#connection = null;
    this.#parts.onDown?.();
    if (!this.#stopped) this.#retry("connection to Redis lost; connecting again", why);
  }

  #retry(message: string, error: string): void {
    const { clock, random } = this.#parts;
    const delayMs = retryDelayMs(this.#attempt, random);
    this.#attempt += 1;
    this.#mark.down(message, { address: targetText(this.#target), error, attempt: this.#attempt });
    this.#cancelRetry = clock.after(delayMs, () => void this.#connect());
  }
}

/** For the log: hosts alone, as the reference has them. */
export function targetText({ address, sentinels }: RedisTarget): string {
  const hosts = ({ hosts: list }: RedisTarget["address"]) =>
    list.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`);
  if (sentinels !== null) return `(sentinels): [${hosts(sentinels).join(" ")}]`;
  if (address.masterName !== null) return `(sentinels): [${hosts(address).join(" ")}]`;
  if (address.socketPath !== null) return address.socketPath;
  return address.hosts.length > 1 ? `(cluster): [${hosts(address).join(" ")}]` : hosts(address).join();
}
