import type { Backlog, History, Position } from "../broker/history.ts";
import type { Cancel } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Publication } from "../protocol/publication.ts";
import { broadcast } from "./broadcast.ts";
import { type EngineContext, quoted } from "./context.ts";

/** Streams that history is asked about together, so that what else it is asked waits no longer. */
const AT_ONCE = 64;
/** How long an answer may take. */
const ANSWER_MS = 5000;
/** History may come back later than the other nodes do: how long it is asked, for live messages wait meanwhile. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 500;

/**
 * What other nodes published while this one was parted from them. Once it has rejoined them the followers of each stream
 * get what history has after the last message that came by here, in order, and what comes live meanwhile behind that.
 */
export class MissedMessages {
  readonly #context: EngineContext;
  readonly #history: History;
  #isParted = false;
  /** How often it was rejoined: what was asked before the last time is worth nothing any more. */
  #times = 0;
  /** By stream what has come live and has to wait. */
  readonly #waiting = new Map<string, Publication[]>();
  /** Those of them that history has not been asked about. */
  readonly #toAsk = new Set<string>();
  /** By stream what history told last, until something newer has come live: it may be ahead of what is on its way. */
  readonly #told = new Map<string, Position>();
  #underWay = 0;
  #untilMs = 0;
  /** Set while history could not be asked a moment ago. */
  #cancelRetry: Cancel | null = null;

  constructor(context: EngineContext, history: History) {
    this.#context = context;
    this.#history = history;
  }

  get isParted(): boolean {
    return this.#isParted;
  }

  /** While it is not, `keep` need not be asked. */
  get isKeeping(): boolean {
    return this.#isParted || this.#waiting.size > 0 || this.#told.size > 0;
  }

  /** True for a message that is behind missed ones: it is passed on after them, unless it is one of them. */
  keep(publication: Publication): boolean {
    const { stream, position } = publication;
    const told = this.#told.get(stream);
    if (told !== undefined && position !== null) {
      if (isBehind(position, told)) return true;
      this.#told.delete(stream);
    }
    const waiting = this.#waiting.get(stream);
    if (waiting !== undefined) waiting.push(publication);
    else if (this.#isParted && this.#context.hub.reached(stream) !== null)
      this.#waiting.set(stream, [publication]);
    else return false;
    // Where there is something to wait for, it is not to wait long.
    if (this.#cancelRetry === null && this.#toAsk.has(stream)) this.#ask(stream);
    return true;
  }

  parted(): void {
    this.#isParted = true;
    this.#toAsk.clear();
    this.#told.clear(); // nothing is on its way any more
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  rejoined(): void {
    this.parted(); // what is under way of a former time ends
    this.#isParted = false;
    this.#times += 1;
    this.#untilMs = this.#context.clock.monotonicMs() + PATIENCE_MS;
    for (const stream of this.#context.hub.streams()) {
      this.#toAsk.add(stream);
      if (!this.#waiting.has(stream)) this.#waiting.set(stream, []);
    }
    for (const stream of this.#waiting.keys()) if (!this.#toAsk.has(stream)) this.#waiting.delete(stream);
    this.#goOn();
  }

  #goOn(): void {
    for (const stream of this.#toAsk) {
      if (this.#underWay >= AT_ONCE || this.#cancelRetry !== null) return;
      this.#ask(stream);
    }
  }

  #ask(stream: string): void {
    this.#toAsk.delete(stream);
    const time = this.#times;
    const reached = this.#context.hub.reached(stream);
    if (reached === null) {
      this.#waiting.delete(stream); // nobody follows it any more
      return;
    }
    this.#underWay += 1;
    void this.#answerTo(stream, reached).then((answer) => {
      this.#underWay -= 1;
      if (time === this.#times && !this.#isParted) this.#answered(stream, reached, answer);
      this.#goOn();
    });
  }

  #answered(stream: string, reached: Position | number, answer: Backlog | string): void {
    if (typeof answer !== "string") this.#passOn(stream, answer, reached);
    else if (this.#context.clock.monotonicMs() < this.#untilMs) this.#askAgain(stream);
    else this.#passOn(stream, { kept: false, why: answer }, reached);
  }

  #askAgain(stream: string): void {
    this.#toAsk.add(stream);
    this.#cancelRetry ??= this.#context.clock.after(RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#goOn();
    });
  }

  /** What history says, or why it could not be asked. Never rejects. */
  async #answerTo(stream: string, reached: Position | number): Promise<Backlog | string> {
    let stop: () => void = () => {};
    const late = new Promise<string>((resolve) => {
      const why = `history has not answered within ${ANSWER_MS / 1000} s`;
      stop = this.#context.clock.after(ANSWER_MS, () => resolve(why));
    });
    try {
      return await Promise.race([this.#askHistory(stream, reached), late]);
    } catch (fault) {
      return messageOf(fault);
    } finally {
      stop();
    }
  }

  async #askHistory(stream: string, reached: Position | number): Promise<Backlog> {
    // It may have got its first follower a moment ago.
    await this.#context.pubSub?.following(stream);
    return typeof reached === "number"
      ? this.#history.since(stream, reached)
      : this.#history.after(stream, reached);
  }

  #passOn(stream: string, backlog: Backlog, reached: Position | number): void {
    const live = this.#waiting.get(stream) ?? [];
    this.#waiting.delete(stream);
    let last = typeof reached === "number" ? null : reached;
    if (backlog.kept) {
      const { epoch } = backlog;
      if (backlog.messages.length > 0) this.#context.counters.missedStreams.add(["caught_up"]);
      for (const { offset, message } of backlog.messages) {
        last = { epoch, offset };
        broadcast(this.#context, publicationOf(stream, message, last), last);
      }
      if (backlog.messages.length > 0 && last !== null) this.#told.set(stream, last);
    } else this.#giveUp(stream, backlog.why);
    for (const publication of live) {
      if (!this.keep(publication)) broadcast(this.#context, publication, publication.position);
    }
  }

  /** Whoever asks for history hears that it cannot be told. */
  #giveUp(stream: string, why: string): void {
    this.#context.counters.missedStreams.add(["lost"]);
    const message = "messages that other servers published meanwhile may be missing";
    this.#context.sampled("warn", "missed_messages", message, { stream: quoted(stream), error: why });
    this.#context.hub.reachedNow(stream);
  }
}

/** What history has is for everybody who follows the stream, in the form in which it is kept. */
function publicationOf(stream: string, message: string, position: Position): Publication {
  return { stream, message, excludeSid: null, broadcastType: null, transient: false, position };
}

/** Whether the message is not after `last`; one without a position is told by no other means. */
function isBehind(position: Position | null, last: Position | null): boolean {
  if (position === null || last === null) return false;
  return position.epoch === last.epoch && position.offset <= last.offset;
}
