import type { Engine } from "@hawser/core/engine/engine";
import type { PubSub } from "@hawser/core/engine/pub-sub";

/** Gives every connection thread a text that may concern its clients; `stream` is null for one that may carry anything. */
export type TellThreads = (text: string, stream: string | null) => void;

/**
 * The other nodes, as the control thread's engine knows them: the connection threads. That engine has no clients; it hears
 * all the same, so that it carries commands out on what it keeps, and counts once what every thread hears.
 */
export class ThreadFanOut implements PubSub {
  readonly isUp = true;
  readonly hasBeenUp = true;
  readonly #tell: TellThreads;
  #engine: Pick<Engine, "deliver"> | null = null;

  constructor(tell: TellThreads) {
    this.#tell = tell;
  }

  start(engine: Pick<Engine, "deliver">): void {
    this.#engine = engine;
  }

  publish(stream: string, text: string): void {
    this.#engine?.deliver(text, stream);
    this.#tell(text, stream);
  }

  command(text: string): void {
    this.#engine?.deliver(text, null);
    this.#tell(text, null);
  }

  follow(): void {}

  unfollow(): void {}

  async settled(): Promise<boolean> {
    return true;
  }

  async stop(): Promise<void> {}
}
