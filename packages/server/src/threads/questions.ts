/** Says a word and two texts to the other end. */
export type SayQuestion = (word: "ask" | "answer" | "fault", first: string, second: string) => void;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: Error) => void;
}

/** Questions that one thread asks another, and their answers: JSON both ways, answered in the order of asking where each is at once. */
export class Questions {
  readonly #say: SayQuestion;
  readonly #waiting = new Map<string, Waiting>();
  #nextId = 0;

  constructor(say: SayQuestion) {
    this.#say = say;
  }

  /** Rejects with what the other end could not do. */
  ask(about: string, given: readonly unknown[]): Promise<unknown> {
    this.#nextId += 1;
    const id = String(this.#nextId);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#say("ask", `${id} ${about}`, JSON.stringify(given));
    });
  }

  answered(id: string, json: string): void {
    this.#take(id)?.resolve(JSON.parse(json));
  }

  failed(id: string, why: string): void {
    this.#take(id)?.reject(new Error(why));
  }

  /** The other end is gone, and answers nothing any more. */
  abandon(why: string): void {
    for (const id of [...this.#waiting.keys()]) this.failed(id, why);
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/**
 * Answers a question as it was said.
 *
 * @param answerOf an answer that is there at once is given in the same turn.
 */
export function answerQuestion(
  asked: string,
  json: string,
  answerOf: (about: string, given: readonly unknown[]) => unknown,
  say: SayQuestion,
): void {
  const [id = "", about = ""] = asked.split(" ");
  const give = (value: unknown) => say("answer", id, JSON.stringify(value ?? null));
  const fail = (thrown: unknown) =>
    say("fault", id, thrown instanceof Error ? thrown.message : String(thrown));
  try {
    const answer = answerOf(about, JSON.parse(json));
    if (answer instanceof Promise) answer.then(give, fail);
    else give(answer);
  } catch (thrown) {
    fail(thrown);
  }
}
