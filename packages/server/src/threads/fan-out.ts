import type { Engine } from "@hawser/core/engine/engine";
import type { PubSub } from "@hawser/core/engine/pub-sub";

/** Gives every connection thread a text that may concern its clients; `stream` is null for one that may carry anything. */
export type TellThreads = (text: string, stream: string | null) => void;

/** Other servers, as far as they concern this. */
export interface OuterNodes extends PubSub {
  readonly hasBeenUp: boolean;
  start(engine: Pick<Engine, "deliver">): void;
  stop(): Promise<void>;
}

/**
 * The other nodes, as the control thread's engine knows them: the connection threads and, behind a broker, other servers. That
 * engine has no clients; it hears all the same, so that it carries commands out on what it keeps, and counts once what
 * every thread hears.
 */
export class ThreadFanOut implements OuterNodes {
  readonly #tell: TellThreads;
  readonly #outer: OuterNodes | null;
  /** The threads that follow each stream; empty where there are no other servers. */
  readonly #followers = new Map<string, Set<number>>();
  #engine: Pick<Engine, "deliver"> | null = null;

  /** @param outer null where this server is alone. */
  constructor(tell: TellThreads, outer: OuterNodes | null) {
    this.#tell = tell;
    this.#outer = outer;
  }

  get isUp(): boolean {
    return this.#outer === null || this.#outer.isUp;
  }

  get hasBeenUp(): boolean {
    return this.#outer === null || this.#outer.hasBeenUp;
  }

  get hasOthers(): boolean {
    return this.#outer !== null;
  }

  /** From now on this engine hears what the threads are told. */
  serve(engine: Pick<Engine, "deliver">): void {
    this.#engine = engine;
  }

  start(): void {
    this.#outer?.start({ deliver: (text, stream) => this.#deliver(text, stream) });
  }

  publish(stream: string, text: string): void {
    if (this.#outer === null) this.#deliver(text, stream);
    else this.#outer.publish(stream, text);
  }

  command(text: string): void {
    if (this.#outer === null) this.#deliver(text, null);
    else this.#outer.command(text);
  }

  /** Its engine has no clients. */
  follow(): void {}

  unfollow(): void {}

  /** Of a stream that a thread follows; while there is no connection nothing is to be waited for. */
  following(stream: string): Promise<void> | null {
    return this.#outer === null || !this.#outer.isUp ? null : this.#outer.following(stream);
  }

  /** A thread got its first subscriber of the stream. */
  followedBy(thread: number, stream: string): void {
    const threads = this.#followers.get(stream);
    if (threads !== undefined) {
      threads.add(thread);
      return;
    }
    this.#followers.set(stream, new Set([thread]));
    this.#outer?.follow(stream);
  }

  /** It lost its last one. */
  unfollowedBy(thread: number, stream: string): void {
    const threads = this.#followers.get(stream);
    if (threads === undefined || !threads.delete(thread) || threads.size > 0) return;
    this.#followers.delete(stream);
    this.#outer?.unfollow(stream);
  }

  /** The thread is gone, and follows nothing any more. */
  ended(thread: number): void {
    for (const stream of [...this.#followers.keys()]) this.unfollowedBy(thread, stream);
  }

  async settled(): Promise<boolean> {
    return this.#outer === null || this.#outer.settled();
  }

  async stop(): Promise<void> {
    await this.#outer?.stop();
  }

  #deliver(text: string, stream: string | null): void {
    this.#engine?.deliver(text, stream);
    this.#tell(text, stream);
  }
}
