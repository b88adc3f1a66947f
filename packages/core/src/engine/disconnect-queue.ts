import type { Cancel, Clock } from "../clock.ts";
import { CableError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Backend, CallScope, type DisconnectRequest } from "../rpc/backend.ts";

export interface DisconnectQueueOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly log: Log;
  /** Calls a second. */
  readonly ratePerS: number;
  /** How many calls may wait for their turn. */
  readonly backlog: number;
}

/**
 * Tells the application of ended sessions, a few at a time: a thousand clients that drop together must not become a
 * thousand calls at once (anycable node/disconnect_queue.go@1.6.16). Past the backlog the pace is given up rather than
 * a call: the oldest goes out at once.
 */
export class DisconnectQueue {
  readonly #options: DisconnectQueueOptions;
  readonly #waiting: DisconnectRequest[] = [];
  #first = 0;
  #stopTimer: Cancel | null = null;
  #underWay = 0;
  #idle: (() => void) | null = null;

  constructor(options: DisconnectQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length - this.#first;
  }

  add(request: DisconnectRequest): void {
    this.#waiting.push(request);
    if (this.size > this.#options.backlog) this.#callNext();
    if (this.#stopTimer === null) {
      const intervalMs = Math.max(1, 1000 / this.#options.ratePerS);
      this.#stopTimer = this.#options.clock.every(intervalMs, () => this.#callNext());
    }
  }

  /** Gives up the pace and resolves once every call has been answered, or failed, or `timeoutMs` has passed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#pause();
    const { log, clock } = this.#options;
    const num = this.size;
    if (num > 0) log.info("invoking remaining disconnects", { num });
    while (this.size > 0) this.#callNext();
    if (this.#underWay === 0) return;
    const finished = await new Promise<boolean>((resolve) => {
      const cancel = clock.after(timeoutMs, () => resolve(false));
      this.#idle = () => {
        cancel();
        resolve(true);
      };
    });
    if (finished) log.info("disconnected sessions", { num });
    else log.warn("had no time to finish Disconnect calls", { num: this.#underWay });
  }

  #pause(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #callNext(): void {
    const request = this.#waiting[this.#first];
    if (request === undefined) {
      this.#pause();
      return;
    }
    this.#first += 1;
    if (this.#first > 1024 || this.size === 0) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    this.#underWay += 1;
    void this.#call(request).then(() => {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.();
    });
  }

  async #call(request: DisconnectRequest): Promise<void> {
    const { sid } = request;
    try {
      const reply = await this.#options.backend.disconnect(request, new CallScope());
      if (reply.status !== "error") return;
      this.#options.log.warn("the RPC backend answered Disconnect with an error", {
        sid,
        error: reply.errorMessage,
      });
    } catch (fault) {
      const code = fault instanceof CableError ? fault.code : "bug";
      this.#options.log.warn("controller disconnect failed", { sid, code, error: messageOf(fault) });
    }
  }
}
