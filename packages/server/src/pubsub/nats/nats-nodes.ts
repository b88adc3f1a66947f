import type { Clock } from "@hawser/core/clock";
import type { FromNodes } from "@hawser/core/engine/pub-sub";
import type { Log } from "@hawser/core/log";
import { positioned } from "@hawser/core/protocol/stream-message";
import type { Random } from "@hawser/core/random";
import type { LinkMark } from "../../drivers/link-book.ts";
import { epochIn, keptSubjects } from "../../drivers/nats/names.ts";
import { NatsLink, type NatsTarget } from "../../drivers/nats/nats-link.ts";
import type { Nodes } from "../nodes.ts";
import { subjectOf } from "./subject.ts";

export interface NatsNodesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Opens a mark for each link. */
  readonly mark: () => LinkMark;
}

/**
 * Passes messages on by NATS as the reference does, so that its servers may be among ours (anycable pubsub/nats.go@1.6.16):
 * a stream is a subject of its own name, commands have one of their own, and a message comes back to the server that sent it
 * as to all others.
 */
export class NatsNodes implements Nodes {
  /** For what else this server has in NATS. */
  readonly link: NatsLink;
  readonly #channel: string;
  readonly #withHistory: boolean;
  #engine: FromNodes | null = null;
  #hasBeenUp = false;
  #lost = 0;
  #lostBefore = 0;
  #breaksBefore = 0;
  #followed = 0;
  /** Streams that NATS may not have heard of yet, by when they were followed, the earliest first. */
  readonly #unsure = new Map<string, number>();
  /** The last flush, and up to when streams were followed before it. */
  #flush: { readonly upTo: number; readonly done: Promise<void> } | null = null;

  /**
   * @param channel by which commands go.
   * @param withHistory whether there are streams whose messages come by way of their history.
   */
  constructor(
    target: NatsTarget,
    channel: string,
    withHistory: boolean,
    { clock, random, log, mark }: NatsNodesParts,
  ) {
    this.#channel = channel;
    this.#withHistory = withHistory;
    this.link = new NatsLink(target, {
      ...{ clock, random, log, mark: mark() },
      onUp: (again) => {
        this.#hasBeenUp = true;
        log.info(again ? "reconnected" : "connected", { channel });
        void this.#rejoin();
      },
      onDown: () => this.#engine?.parted(),
    });
  }

  get isUp(): boolean {
    return this.link.isUp;
  }

  get hasBeenUp(): boolean {
    return this.#hasBeenUp;
  }

  start(engine: FromNodes): void {
    this.#engine = engine;
    engine.parted();
    this.link.subscribe(this.#channel, (text) => engine.deliver(text, null));
    this.link.start();
  }

  async stop(): Promise<void> {
    await this.link.flush();
    await this.link.stop();
  }

  publish(stream: string, text: string): void {
    if (!this.link.publish(subjectOf(stream), text)) this.#lost += 1;
  }

  command(text: string): void {
    if (!this.link.publish(this.#channel, text)) this.#lost += 1;
  }

  follow(stream: string): void {
    if (stream === this.#channel) return;
    // The stream is the one that was asked for, whatever other subjects NATS may match.
    this.link.subscribe(subjectOf(stream), (text) => this.#engine?.deliver(text, stream));
    this.#followed += 1;
    this.#unsure.set(stream, this.#followed);
    if (!this.#withHistory) return;
    this.link.subscribeStored(keptSubjects(stream), (text, subject, offset) => {
      this.#engine?.deliver(positioned(text, { offset, epoch: epochIn(subject) }), stream);
    });
  }

  unfollow(stream: string): void {
    if (stream === this.#channel) return;
    this.link.unsubscribe(subjectOf(stream));
    if (this.#withHistory) this.link.unsubscribe(keptSubjects(stream));
    this.#unsure.delete(stream);
  }

  following(stream: string): Promise<void> | null {
    const since = this.#unsure.get(stream);
    if (since === undefined) return null;
    if (this.#flush === null || this.#flush.upTo < since) {
      const upTo = this.#followed;
      this.#flush = { upTo, done: this.#makeSure(upTo) };
    }
    return this.#flush.done;
  }

  /**
   * NATS answers in order, and so do the servers of a cluster among each other: once it has answered, all of them pass on what
   * is published to a stream that was followed before.
   */
  async #makeSure(upTo: number): Promise<void> {
    if (!(await this.link.flush())) return;
    for (const [stream, since] of this.#unsure) {
      if (since > upTo) return;
      this.#unsure.delete(stream);
    }
  }

  /** All that is followed was told again with the connection, before this. */
  async #rejoin(): Promise<void> {
    if (await this.link.flush()) this.#engine?.rejoined();
  }

  async settled(): Promise<boolean> {
    const arrived = await this.link.flush();
    const isWhole = this.#lost === this.#lostBefore && this.link.breaks === this.#breaksBefore;
    this.#lostBefore = this.#lost;
    this.#breaksBefore = this.link.breaks;
    return arrived && isWhole;
  }
}
