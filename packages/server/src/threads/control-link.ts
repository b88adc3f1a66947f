import type { PubSub } from "@hawser/core/engine/pub-sub";

/** Hands over to the control thread: `publish` takes a stream and a text, `command` a text. */
export type SayToControl = (word: "publish" | "command", first: string, second: string) => void;

/** The other nodes, as the engine of a connection thread knows them: the control thread and, behind it, all the others. */
export class ControlLink implements PubSub {
  readonly isUp = true;
  readonly hasBeenUp = true;
  readonly #say: SayToControl;

  constructor(say: SayToControl) {
    this.#say = say;
  }

  publish(stream: string, text: string): void {
    this.#say("publish", stream, text);
  }

  command(text: string): void {
    this.#say("command", text, "");
  }

  follow(): void {}

  unfollow(): void {}

  /** What is said to a thread of the same process arrives. */
  async settled(): Promise<boolean> {
    return true;
  }

  start(): void {}

  async stop(): Promise<void> {}
}
