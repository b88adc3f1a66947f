import type { Command } from "../protocol/command.ts";

/** Commands of one client that wait while another one is carried out, and how much memory they hold. */
export class PendingCommands {
  readonly #waiting: { readonly command: Command; readonly bytes: number }[] = [];
  #bytes = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** Of the frames that they came in. */
  get bytes(): number {
    return this.#bytes;
  }

  push(command: Command, bytes: number): void {
    this.#waiting.push({ command, bytes });
    this.#bytes += bytes;
  }

  shift(): Command | undefined {
    const next = this.#waiting.shift();
    this.#bytes -= next?.bytes ?? 0;
    return next?.command;
  }
}
