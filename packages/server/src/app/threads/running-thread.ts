import type { Cancel } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import { systemClock } from "../../drivers/clock.ts";
import { atEndOfTurn, startThread, type Thread } from "../../drivers/threads.ts";
import { THREAD_ENTRY } from "../../thread-entry.ts";
import type { BrokerAnswers } from "../../threads/broker-answers.ts";
import type { ForwardedRequest } from "../../threads/forwarded-requests.ts";
import { answerQuestion, Questions } from "../../threads/questions.ts";
import { hearLine, ThreadLine } from "../../threads/thread-line.ts";
import { watchThread } from "../../threads/thread-watch.ts";
import type {
  AboutThread,
  NoteToControl,
  NoteToThread,
  QuestionWord,
  ThreadStart,
  WordToControl,
  WordToThread,
} from "./notes.ts";
import type { ThreadMeasures } from "./thread-metrics.ts";

/** For a thread that is asked and busy. */
export const PATIENCE_MS = 2_000;

/** What is done with what a thread says by itself. */
export interface ThreadHearer {
  said(
    thread: RunningThread,
    word: Exclude<WordToControl, QuestionWord>,
    first: string,
    second: string,
  ): void;
  asked(thread: RunningThread, about: string, given: readonly unknown[]): unknown;
  requested(thread: RunningThread, request: ForwardedRequest): void;
  /** Once, whoever ended it. */
  ended(thread: RunningThread, why: string | null): void;
}

/** A connection thread as the control thread has it: what it was told, what it is asked, and its answers. */
export class RunningThread {
  /** Its number, from 0. */
  readonly own: number;
  readonly startedMs = systemClock.monotonicMs();
  /** Null without a broker. */
  readonly answers: BrokerAnswers | null;
  backendAnswered = false;
  readonly #thread: Thread;
  readonly #line: ThreadLine<WordToThread, NoteToThread>;
  readonly #questions = new Questions((word, first, second) => this.#line.say(word, first, second));
  readonly #hearer: ThreadHearer;
  #stopWatching: Cancel = () => {};
  /** Why this thread had to end it. */
  #fault: string | null = null;
  #measured: ((measures: ThreadMeasures | null) => void)[] = [];
  /** Settles the wait for its port. */
  #started: ((port: number | CableError) => void) | null = null;

  constructor(own: number, answers: BrokerAnswers | null, hearer: ThreadHearer) {
    this.own = own;
    this.answers = answers;
    this.#hearer = hearer;
    this.#thread = startThread(THREAD_ENTRY);
    this.#line = new ThreadLine({ port: this.#thread, atEndOfTurn });
    hearLine<WordToControl, NoteToControl>(
      this.#thread,
      (word, first, second) => this.#heard(word, first, second),
      (note) => this.#noted(note),
    );
    this.#thread.onEnd((why) => this.#ended(why));
  }

  /** Resolves with the port that it listens on; rejects when it cannot. */
  start(start: ThreadStart): Promise<number> {
    this.#line.send(start);
    return new Promise((resolve, reject) => {
      this.#started = (outcome) => (typeof outcome === "number" ? resolve(outcome) : reject(outcome));
    });
  }

  say(word: Exclude<WordToThread, QuestionWord>, first = "", second = ""): void {
    this.#line.say(word, first, second);
  }

  /** Sends what was said in this turn now. */
  flush(): void {
    this.#line.flush();
  }

  tell(note: Exclude<NoteToThread, ThreadStart>): void {
    this.#line.send(note);
  }

  /** Answered behind all that it was told before; rejects when it ends without an answer. */
  ask(about: AboutThread, ...given: readonly unknown[]): Promise<unknown> {
    return this.#questions.ask(about, given);
  }

  /** Null when it ends before it has told. */
  measures(): Promise<ThreadMeasures | null> {
    return new Promise((resolve) => {
      this.#measured.push(resolve);
      this.#line.send({ kind: "measure" });
    });
  }

  terminate(): void {
    this.#thread.terminate();
  }

  #heard(word: WordToControl, first: string, second: string): void {
    if (word === "answer") this.#questions.answered(first, second);
    else if (word === "fault") this.#questions.failed(first, second);
    else if (word === "ask") {
      const answerOf = (about: string, given: readonly unknown[]) => this.#hearer.asked(this, about, given);
      answerQuestion(first, second, answerOf, (said, id, json) => this.#line.say(said, id, json));
    } else this.#hearer.said(this, word, first, second);
  }

  #noted(note: NoteToControl): void {
    if (note.kind === "listening") {
      this.#started?.(note.port);
      this.#watch();
    } else if (note.kind === "failed") this.#started?.(new CableError("io_failed", note.why));
    else if (note.kind === "backend answered") this.backendAnswered = true;
    else if (note.kind === "measures") {
      for (const told of this.#measured.splice(0)) told(note.measures);
    } else this.#hearer.requested(this, note.request);
  }

  /** One that hangs is ended, and so is replaced as one that died. */
  #watch(): void {
    this.#stopWatching = watchThread({
      clock: systemClock,
      ask: () => this.ask("here"),
      onSilent: (silentMs) => {
        this.#fault = `it hung: it gave no sign of life for ${Math.round(silentMs / 1000)} s`;
        this.#thread.terminate();
      },
    });
  }

  #ended(said: string | null): void {
    const why = this.#fault ?? said;
    this.#stopWatching();
    for (const told of this.#measured.splice(0)) told(null);
    this.#questions.abandon("the connection thread died");
    this.#started?.(new CableError("io_failed", `start a connection thread: ${why ?? "it ended"}`));
    this.answers?.ended();
    this.#hearer.ended(this, why);
  }
}
