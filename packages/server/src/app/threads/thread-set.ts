import type { SessionSnapshot } from "@hawser/core/broker/sessions";
import { atMost } from "../wait.ts";
import type { AboutThread, NoteToThread, QuestionWord, ThreadStart, WordToThread } from "./notes.ts";
import { PATIENCE_MS, type RunningThread } from "./running-thread.ts";
import type { ThreadMeasures } from "./thread-metrics.ts";

/** The threads that run, for what all of them are told or asked. */
export class ThreadSet {
  readonly #threads = new Map<number, RunningThread>();

  add(thread: RunningThread): void {
    this.#threads.set(thread.own, thread);
  }

  remove(thread: RunningThread): void {
    if (this.#threads.get(thread.own) === thread) this.#threads.delete(thread.own);
  }

  all(): readonly RunningThread[] {
    return [...this.#threads.values()];
  }

  say(word: Exclude<WordToThread, QuestionWord>, first = "", second = ""): void {
    for (const thread of this.#threads.values()) thread.say(word, first, second);
  }

  tell(note: Exclude<NoteToThread, ThreadStart>): void {
    for (const thread of this.#threads.values()) thread.tell(note);
  }

  /** Sends what was said in this turn now. */
  flush(): void {
    for (const thread of this.#threads.values()) thread.flush();
  }

  /** Resolves when every thread has heard what it was told; one that is busy for long is not waited for. */
  async heard(): Promise<void> {
    await atMost(PATIENCE_MS, this.#ask("here"));
  }

  /** How many connections the threads have closed by now because they were revoked. */
  async revoked(): Promise<number> {
    return (await this.#ask("revoked")).reduce<number>((sum, count) => sum + Number(count), 0);
  }

  /** Looks for a session that is connected to a thread other than this one, which has looked for itself. */
  async findConnected(sid: string, own: number): Promise<SessionSnapshot | null> {
    const others = this.all().filter((thread) => thread.own !== own);
    const answers = others.map((thread) => thread.ask("connected", sid).catch(() => null));
    const found = (await Promise.all(answers)).find((answer) => answer !== null);
    return (found ?? null) as SessionSnapshot | null; // what `connectedSnapshot` has made there
  }

  /** Asks every thread what it has counted; of one that is busy for long nothing is told. */
  async measure(told: (own: number, measures: ThreadMeasures) => void): Promise<void> {
    const asked = this.all().map(async (thread) => {
      const measures = await thread.measures();
      if (measures !== null) told(thread.own, measures);
    });
    await atMost(PATIENCE_MS, Promise.all(asked));
  }

  terminate(): void {
    for (const thread of this.#threads.values()) thread.terminate();
    this.#threads.clear();
  }

  /** The answers of those that live. */
  async #ask(about: AboutThread): Promise<readonly unknown[]> {
    const asked = this.all().map((thread) => thread.ask(about));
    return (await Promise.allSettled(asked)).flatMap((told) =>
      told.status === "fulfilled" ? [told.value] : [],
    );
  }
}
