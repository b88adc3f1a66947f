import type { PubSub } from "@hawser/core/engine/pub-sub";

/** Hands over to the control thread: `command` takes a text, the others a stream, `publish` with a text. */
export type SayToControl = (
  word: "publish" | "command" | "follow" | "unfollow",
  first: string,
  second: string,
) => void;

/** The other nodes, as the engine of a connection thread knows them: the control thread and, behind it, all the others. */
export class ControlLink implements PubSub {
  readonly isUp = true;
  readonly hasBeenUp = true;
  readonly #say: SayToControl;
  readonly #tellsStreams: boolean;

  /** @param tellsStreams whether control has to know which streams are followed: messages of this server come in any case. */
  constructor(say: SayToControl, tellsStreams: boolean) {
    this.#say = say;
    this.#tellsStreams = tellsStreams;
  }

  publish(stream: string, text: string): void {
    this.#say("publish", stream, text);
  }

  command(text: string): void {
    this.#say("command", text, "");
  }

  follow(stream: string): void {
    if (this.#tellsStreams) this.#say("follow", stream, "");
  }

  unfollow(stream: string): void {
    if (this.#tellsStreams) this.#say("unfollow", stream, "");
  }

  /** What is said to a thread of the same process arrives. */
  async settled(): Promise<boolean> {
    return true;
  }

  start(): void {}

  async stop(): Promise<void> {}
}
