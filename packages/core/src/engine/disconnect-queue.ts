import type { Cancel, Clock } from "../clock.ts";
import { CableError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Backend, CallScope, type DisconnectRequest } from "../rpc/backend.ts";
import type { EngineContext } from "./context.ts";

export interface DisconnectQueueOptions {
  readonly disconnect: Backend["disconnect"];
  readonly clock: Clock;
  readonly log: Log;
  readonly sampled: EngineContext["sampled"];
  /** Calls a second. */
  readonly ratePerS: number;
  /** How many calls may wait for their turn. */
  readonly backlog: number;
  /** How many calls may be under way. */
  readonly atOnce: number;
}

/** Past this many times the backlog calls are given up: the application is slower than clients come and go. */
const MOST_BACKLOGS = 16;

/**
 * Tells the application of ended sessions, a few at a time: a thousand clients that drop together must not become a
 * thousand calls at once, which would keep those that stay from being served (anycable
 * node/disconnect_queue.go@1.6.16). Past the backlog the pace is given up rather than a call: the next call goes out as
 * soon as one under way has ended.
 */
export class DisconnectQueue {
  readonly #options: DisconnectQueueOptions;
  readonly #waiting: DisconnectRequest[] = [];
  #first = 0;
  #stopTimer: Cancel | null = null;
  #underWay = 0;
  #draining = false;
  #whenDrained: (() => void) | null = null;

  constructor(options: DisconnectQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length - this.#first;
  }

  add(request: DisconnectRequest): void {
    this.#waiting.push(request);
    this.#hurry();
    if (this.size > this.#options.backlog * MOST_BACKLOGS) this.#giveUpOldest();
    if (this.#stopTimer !== null || this.#draining) return;
    const intervalMs = Math.max(1, 1000 / this.#options.ratePerS);
    this.#stopTimer = this.#options.clock.every(intervalMs, () => this.#onTurn());
  }

  /** Gives up the pace and resolves once every call has been answered, or failed, or `timeoutMs` has passed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#pause();
    this.#draining = true;
    const { log, clock } = this.#options;
    const num = this.size;
    if (num > 0) log.info("invoking remaining disconnects", { num });
    this.#hurry();
    if (this.#underWay === 0) return;
    const finished = await new Promise<boolean>((resolve) => {
      const cancel = clock.after(timeoutMs, () => resolve(false));
      this.#whenDrained = () => {
        cancel();
        resolve(true);
      };
    });
    if (finished) {
      log.info("disconnected sessions", { num });
      return;
    }
    log.warn("had no time to finish Disconnect calls", { num: this.#underWay + this.size });
    this.#waiting.length = 0;
    this.#first = 0;
  }

  #pause(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #onTurn(): void {
    if (this.size === 0) this.#pause();
    else if (this.#underWay < this.#options.atOnce) this.#callNext();
  }

  /** Calls ahead of the pace, as far as that is called for. */
  #hurry(): void {
    const mayWait = this.#draining ? 0 : this.#options.backlog;
    while (this.size > mayWait && this.#underWay < this.#options.atOnce) this.#callNext();
  }

  #giveUpOldest(): void {
    const given = this.#takeOldest();
    const message = "gave up a Disconnect call: too many wait, the RPC backend is too slow for them";
    this.#options.sampled("warn", "disconnect_backlog", message, { sid: given?.sid, num: this.size });
  }

  #callNext(): void {
    const request = this.#takeOldest();
    if (request === undefined) return;
    this.#underWay += 1;
    void this.#call(request).then(() => {
      this.#underWay -= 1;
      this.#hurry();
      if (this.#underWay === 0) this.#whenDrained?.();
    });
  }

  /** An index instead of `shift`, which moves thousands each time. */
  #takeOldest(): DisconnectRequest | undefined {
    const request = this.#waiting[this.#first];
    this.#first += 1;
    if (this.#first > 1024 || this.size <= 0) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    return request;
  }

  async #call(request: DisconnectRequest): Promise<void> {
    const { sid } = request;
    const { disconnect, sampled } = this.#options;
    try {
      const reply = await disconnect(request, new CallScope());
      if (reply.status !== "error") return;
      const message = "the RPC backend answered Disconnect with an error";
      sampled("warn", "disconnect_error", message, { sid, error: reply.errorMessage });
    } catch (fault) {
      const code = fault instanceof CableError ? fault.code : "bug";
      sampled("warn", code, "controller disconnect failed", { sid, code, error: messageOf(fault) });
    }
  }
}
