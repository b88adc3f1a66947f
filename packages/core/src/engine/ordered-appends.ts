import type { Answer } from "../broker/answer.ts";
import type { History, Position } from "../broker/history.ts";
import type { Publication } from "../protocol/publication.ts";

/** Hands a publication on to those who follow its stream; `position` is null for what history does not have. */
export type HandOn = (publication: Publication, position: Position | null) => void;

/**
 * Puts publications into history, and hands each on with its position, unless history hands it on itself. Where history
 * answers at once so does this, in the same tick. Where it takes a while, what comes later for the stream waits, whispers
 * included: the order of a stream is that in which its messages came here.
 */
export class OrderedAppends {
  readonly #history: History;
  readonly #handOn: HandOn;
  /** By stream the end of what is under way; without an entry nothing is. It never rejects. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** How many transient ones wait, by stream: history orders what it is given, but not these. */
  readonly #transients = new Map<string, number>();

  constructor(history: History, handOn: HandOn) {
    this.#history = history;
    this.#handOn = handOn;
  }

  /** Rejects when history could not take the message, which then goes to nobody. */
  publish(publication: Publication): Answer<void> {
    const { stream, transient } = publication;
    if (!transient && this.#history.publish !== null) return this.#publishByHistory(publication);
    const position = transient ? null : this.#history.append(stream, publication.message);
    const before = this.#underWay.size === 0 ? undefined : this.#underWay.get(stream);
    if (before === undefined && !(position instanceof Promise)) {
      this.#handOn(publication, position);
      return;
    }
    return this.#publishBehind(before, publication, position);
  }

  /** Resolves when all that history has of the stream by now has been handed on; null when it has been. */
  settled(stream: string): Promise<void> | null {
    return this.#underWay.get(stream) ?? null;
  }

  #publishByHistory(publication: Publication): Promise<void> {
    const { stream } = publication;
    const before = this.#underWay.get(stream);
    const handedOn =
      before !== undefined && this.#transients.has(stream)
        ? before.then(() => this.#history.publish?.(publication))
        : (this.#history.publish?.(publication) ?? Promise.resolve());
    this.#isUnderWay(stream, handedOn, before);
    return handedOn;
  }

  #publishBehind(
    before: Promise<void> | undefined,
    publication: Publication,
    position: Answer<Position | null>,
  ): Promise<void> {
    const { stream, transient } = publication;
    if (transient) this.#transients.set(stream, (this.#transients.get(stream) ?? 0) + 1);
    const handedOn = Promise.all([position, before]).then(([where]) => {
      if (transient) this.#transientWent(stream);
      this.#handOn(publication, where);
    });
    this.#isUnderWay(stream, handedOn, before);
    return handedOn;
  }

  /** Promise.all gives up at once where one fails, and what comes next must still wait for what came before. */
  #isUnderWay(stream: string, handedOn: Promise<void>, before: Promise<void> | undefined): void {
    const end: Promise<void> = Promise.allSettled([handedOn, before]).then(() => {
      if (this.#underWay.get(stream) === end) this.#underWay.delete(stream);
    });
    this.#underWay.set(stream, end);
  }

  #transientWent(stream: string): void {
    const others = (this.#transients.get(stream) ?? 0) - 1;
    if (others > 0) this.#transients.set(stream, others);
    else this.#transients.delete(stream);
  }
}
