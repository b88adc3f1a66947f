import type { Engine } from "@hawser/core/engine/engine";
import type { FromNodes, PubSub } from "@hawser/core/engine/pub-sub";

/** Other servers, as far as they concern this. */
export interface OuterNodes extends PubSub {
  readonly hasBeenUp: boolean;
  start(engine: FromNodes): void;
  stop(): Promise<void>;
}

/**
 * The other nodes, as the control thread's engine knows them: the connection threads and, behind a broker, other servers. That
 * engine has no clients; it hears all the same, so that it carries commands out on what it keeps, and counts once what
 * every thread hears.
 */
export class ThreadFanOut implements OuterNodes {
  readonly #threads: FromNodes;
  readonly #outer: OuterNodes | null;
  /** The threads that follow each stream; empty where there are no other servers. */
  readonly #followers = new Map<string, Set<number>>();
  #engine: (FromNodes & Pick<Engine, "hear">) | null = null;
  #isParted = false;
  #commands = 0;

  /** @param threads told what has come from the other nodes; @param outer null where this server is alone. */
  constructor(threads: FromNodes, outer: OuterNodes | null) {
    this.#threads = threads;
    this.#outer = outer;
  }

  get isUp(): boolean {
    return this.#outer === null || this.#outer.isUp;
  }

  get hasBeenUp(): boolean {
    return this.#outer === null || this.#outer.hasBeenUp;
  }

  /** Whether there is no connection to the other servers. */
  get isParted(): boolean {
    return this.#isParted;
  }

  /** How many commands were handed over by now. */
  get commands(): number {
    return this.#commands;
  }

  get hasOthers(): boolean {
    return this.#outer !== null;
  }

  /** From now on this engine hears what the threads are told. */
  serve(engine: FromNodes & Pick<Engine, "hear">): void {
    this.#engine = engine;
  }

  /** What an application has published by a channel that every server hears. */
  hear(text: string): void {
    this.#engine?.hear(text);
    this.#threads.deliver(text, null);
  }

  start(): void {
    this.#outer?.start({
      deliver: (text, stream) => this.#deliver(text, stream),
      parted: () => this.#partedBy(true),
      rejoined: () => this.#partedBy(false),
    });
  }

  publish(stream: string, text: string): void {
    if (this.#outer === null) this.#deliver(text, stream);
    else this.#outer.publish(stream, text);
  }

  command(text: string): void {
    this.#commands += 1;
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
    this.#threads.deliver(text, stream);
  }

  #partedBy(isParted: boolean): void {
    this.#isParted = isParted;
    for (const one of [this.#engine, this.#threads]) {
      if (isParted) one?.parted();
      else one?.rejoined();
    }
  }
}
