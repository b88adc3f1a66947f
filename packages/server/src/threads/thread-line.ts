import type { ThreadPort } from "../drivers/threads.ts";

/** A word and its two texts; what there is much of goes as such, in one array a turn. */
export type Heard<Word extends string> = (word: Word, first: string, second: string) => void;

export interface LineParts {
  readonly port: ThreadPort;
  readonly atEndOfTurn: (run: () => void) => void;
}

/**
 * One end of what passes between the control thread and a connection thread, in the order in which it was said. Texts of
 * one turn go as one array: an array of strings is the cheapest message there is, and each message wakes a thread.
 */
export class ThreadLine<Said extends string, Note extends object> {
  readonly #parts: LineParts;
  #texts: string[] = [];
  #planned = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  /** At the end of this turn, together with all that is said until then. */
  say(word: Said, first: string, second: string): void {
    this.#texts.push(word, first, second);
    if (this.#planned) return;
    this.#planned = true;
    this.#parts.atEndOfTurn(() => this.flush());
  }

  /** At once, and after what was said before. */
  send(note: Note): void {
    this.flush();
    this.#parts.port.post(note);
  }

  /** Sends what was said in this turn now. */
  flush(): void {
    this.#planned = false;
    if (this.#texts.length === 0) return;
    const texts = this.#texts;
    this.#texts = [];
    this.#parts.port.post(texts);
  }
}

/** Takes apart what the other end sent. `as`: both ends are of one program, and say what these types allow. */
export function hearLine<Word extends string, Note extends object>(
  port: ThreadPort,
  heard: Heard<Word>,
  noted: (note: Note) => void,
): void {
  port.onMessage((message) => {
    if (!Array.isArray(message)) return noted(message as Note);
    const texts = message as string[];
    for (let i = 0; i + 2 < texts.length; i += 3)
      heard(texts[i] as Word, texts[i + 1] ?? "", texts[i + 2] ?? "");
  });
}
