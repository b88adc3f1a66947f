import type { PubSub } from "@hawser/core/engine/pub-sub";

/** Hands over to the control thread: `command` takes a text, the others a stream, `publish` with a text. */
export type SayToControl = (
  word: "publish" | "command" | "follow" | "unfollow",
  first: string,
  second: string,
) => void;

/** Asks the control thread. */
export type AskFollowing = (about: "following", given: readonly [stream: string]) => Promise<unknown>;

/** The other nodes, as the engine of a connection thread knows them: the control thread and, behind it, all the others. */
export class ControlLink implements PubSub {
  readonly isUp = true;
  readonly hasBeenUp = true;
  readonly #say: SayToControl;
  /** Null where control need not know which streams are followed: messages of this server come in any case. */
  readonly #ask: AskFollowing | null;
  #followed = 0;
  /** Streams that other servers' messages may not come for yet, by when they were followed. */
  readonly #unsure = new Map<string, number>();

  /** @param ask null where there are no other servers. */
  constructor(say: SayToControl, ask: AskFollowing | null) {
    this.#say = say;
    this.#ask = ask;
  }

  publish(stream: string, text: string): void {
    this.#say("publish", stream, text);
  }

  command(text: string): void {
    this.#say("command", text, "");
  }

  follow(stream: string): void {
    if (this.#ask === null) return;
    this.#say("follow", stream, "");
    this.#followed += 1;
    this.#unsure.set(stream, this.#followed);
  }

  unfollow(stream: string): void {
    if (this.#ask === null) return;
    this.#say("unfollow", stream, "");
    this.#unsure.delete(stream);
  }

  following(stream: string): Promise<void> | null {
    const since = this.#unsure.get(stream);
    if (since === undefined || this.#ask === null) return null;
    const sure = () => {
      if (this.#unsure.get(stream) === since) this.#unsure.delete(stream);
    };
    return this.#ask("following", [stream]).then(sure, () => {});
  }

  /** What is said to a thread of the same process arrives. */
  async settled(): Promise<boolean> {
    return true;
  }

  start(): void {}

  async stop(): Promise<void> {}
}
