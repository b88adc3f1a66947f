import type { Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Random } from "@hawser/core/random";
import type { HttpAnswer } from "../drivers/http.ts";
import { type AnswerMeaning, meaningOf } from "./answers.ts";

/** What is sent: messages, of which several calls may travel in one body, or a command, which travels alone. */
export interface Outgoing {
  readonly kind: "messages" | "command";
  /** A JSON text for each message; one for a command. */
  readonly texts: readonly string[];
  /** "broadcast to chat:1": what error texts say could not be done. */
  readonly purpose: string;
}

export interface SendQueueSettings {
  /** The server's URL, as error texts show it. */
  readonly place: string;
  readonly maxPending: number;
  /** How long a call is tried again, counted from when it was made. */
  readonly retryForMs: number;
  /** How long a call may wait for its first turn. */
  readonly maxWaitMs: number;
}

export interface SendQueueParts {
  /** Rejects when no answer came. */
  readonly post: (body: string) => Promise<HttpAnswer>;
  readonly clock: Pick<Clock, "monotonicMs" | "after">;
  readonly random: Pick<Random, "fraction">;
}

interface Call extends Outgoing {
  readonly madeMs: number;
  /** Whether it has been sent before, without an answer that decides. */
  attempted: boolean;
  /** Whether it must not share a body any more: the one that it was in was refused. */
  alone: boolean;
  readonly done: Promise<void>;
  readonly settle: (fault: CableError | null) => void;
}

const MAX_MESSAGES_A_BODY = 100;
const MAX_CHARACTERS_A_BODY = 256 * 1024;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2000;

/**
 * Sends calls in the order in which they were made, one request at a time: a message never overtakes one before it, and
 * what is made while a request is under way shares the next one.
 */
export class SendQueue {
  readonly #settings: SendQueueSettings;
  readonly #parts: SendQueueParts;
  readonly #calls: Call[] = [];
  #isSending = false;
  #failures = 0;

  constructor(settings: SendQueueSettings, parts: SendQueueParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Resolves once the server has it; rejects with CableError `io_failed` when it is given up. */
  push(outgoing: Outgoing): Promise<void> {
    const { maxPending } = this.#settings;
    if (this.#calls.length >= maxPending) {
      const why = `${maxPending} calls wait for the server already. Publish less, or raise maxPending.`;
      return Promise.reject(fault(outgoing, why, { retryable: true }));
    }
    let settle: Call["settle"] = () => {};
    const done = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === null ? resolve() : reject(error));
    });
    const madeMs = this.#parts.clock.monotonicMs();
    this.#calls.push({ ...outgoing, madeMs, attempted: false, alone: false, done, settle });
    if (!this.#isSending) void this.#run();
    return done;
  }

  /** Resolves when every call made so far was taken or given up. */
  async flush(): Promise<void> {
    await Promise.allSettled(this.#calls.map((call) => call.done));
  }

  async #run(): Promise<void> {
    this.#isSending = true;
    // What is made in the same turn goes out together.
    await Promise.resolve();
    while (this.#calls.length > 0) {
      const taken = this.#head();
      const meaning = await this.#attempt(taken);
      if (meaning.kind === "taken") this.#settleHead(taken.length, () => null);
      else if (meaning.kind === "refused") this.#refused(taken, meaning);
      else await this.#failed(meaning);
    }
    this.#isSending = false;
  }

  /** The calls that the next body is made of. */
  #head(): Call[] {
    const taken: Call[] = [];
    let messages = 0;
    let characters = 0;
    for (const call of this.#calls) {
      messages += call.texts.length;
      for (const text of call.texts) characters += text.length;
      const fits = messages <= MAX_MESSAGES_A_BODY && characters <= MAX_CHARACTERS_A_BODY;
      const mayShare = call.kind === "messages" && !call.alone;
      if (taken.length > 0 && !(fits && mayShare)) break;
      taken.push(call);
      if (!mayShare) break;
    }
    return taken;
  }

  async #attempt(taken: readonly Call[]): Promise<AnswerMeaning & { readonly cause?: unknown }> {
    const { place } = this.#settings;
    for (const call of taken) call.attempted = true;
    try {
      const meaning = meaningOf(await this.#parts.post(bodyOf(taken)), place);
      if (meaning.kind !== "later") this.#failures = 0;
      return meaning;
    } catch (cause) {
      const why = `no answer from ${place}: ${messageOf(cause)}. Is the server running there?`;
      return { kind: "later", why, waitMs: null, cause };
    }
  }

  /** One bad call must not take the others of its body with it: they are sent again, each by itself. */
  #refused(taken: readonly Call[], { why, isAboutBody }: AnswerMeaning & { kind: "refused" }): void {
    if (isAboutBody && taken.length > 1) {
      for (const call of taken) call.alone = true;
      return;
    }
    this.#settleHead(taken.length, (call) => fault(call, why, { retryable: false }));
  }

  async #failed({ why, waitMs, cause }: AnswerMeaning & { kind: "later"; cause?: unknown }): Promise<void> {
    const { clock, random } = this.#parts;
    const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    // Half of it is left to chance, so that many publishers do not come back at once.
    const delayMs = Math.max(longest * (0.5 + random.fraction() / 2), waitMs ?? 0);
    const dueMs = clock.monotonicMs() + delayMs;
    const over = this.#overBy(dueMs);
    this.#settleHead(over, (call) => fault(call, why, { retryable: true, cause }));
    // What has not had its turn yet need not wait for the others' next one.
    if (this.#calls[0]?.attempted === true)
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
  }

  /** How many calls, from the head, may not wait until `dueMs`. They are in the order in which they were made. */
  #overBy(dueMs: number): number {
    const { retryForMs, maxWaitMs } = this.#settings;
    const kept = this.#calls.findIndex(
      ({ madeMs, attempted }) => madeMs + (attempted ? retryForMs : maxWaitMs) >= dueMs,
    );
    return kept === -1 ? this.#calls.length : kept;
  }

  #settleHead(count: number, outcome: (call: Call) => CableError | null): void {
    for (const call of this.#calls.splice(0, count)) call.settle(outcome(call));
  }
}

function bodyOf(calls: readonly Call[]): string {
  const texts = calls.flatMap((call) => call.texts);
  return texts.length === 1 ? texts.join() : `[${texts.join()}]`;
}

function fault(
  { purpose }: Outgoing,
  why: string,
  options: { readonly retryable: boolean; readonly cause?: unknown },
): CableError {
  return new CableError("io_failed", `Cannot ${purpose}: ${why}`, options);
}
