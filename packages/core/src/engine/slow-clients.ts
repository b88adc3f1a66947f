import type { Clock } from "../clock.ts";
import type { DropReason } from "../reasons.ts";
import type { Session } from "../session/session.ts";
import type { EngineCounters } from "./counters.ts";

/** What the sweep needs of the engine. */
export interface SlowClientsContext {
  readonly clock: Clock;
  readonly counters: EngineCounters;
  readonly sessions: ReadonlyMap<string, Session>;
  drop(session: Session, reason: DropReason): void;
  terminate(session: Session, reason: DropReason): void;
}

/** Tells a client that it does not keep up, behind what it still has to read. */
export function dropAsTooSlow(
  context: Pick<SlowClientsContext, "counters" | "drop">,
  session: Session,
): void {
  context.counters.slowClients.value += 1;
  context.drop(session, "too_slow");
}

/** How often the queues are looked at while there is traffic. Looking at one costs some 15 ns. */
const SWEEP_INTERVAL_MS = 100;

/**
 * Ends the clients that do not keep up: no socket survives a dropped frame. Past `maxPendingBytes` a client is told
 * `too_slow` behind what it still has to read. The transport cuts it at four times that, without a word and without
 * our knowing why, so the queues are also looked at whenever that much was published since the last look.
 *
 * DEVIATION: D29. The reference empties the queue before it says so.
 */
export class SlowClients {
  readonly #context: SlowClientsContext;
  readonly #maxPendingBytes: number;
  readonly #writeTimeoutMs: number;
  #trafficExpected = false;
  #nextSweepAtMs = 0;
  #publishedSinceSweep = 0;

  constructor(context: SlowClientsContext, maxPendingBytes: number, writeTimeoutMs: number) {
    this.#context = context;
    this.#maxPendingBytes = maxPendingBytes;
    this.#writeTimeoutMs = writeTimeoutMs;
  }

  /** Something was written: queues may have grown. Without traffic nobody becomes slow, and nobody is looked at. */
  expectTraffic(): void {
    this.#trafficExpected = true;
  }

  /** @param bytes that a client may have got of one publication: a copy for each identifier under which it follows. */
  published(bytes: number): void {
    this.#trafficExpected = true;
    this.#publishedSinceSweep += bytes;
    if (this.#maxPendingBytes === 0 || this.#publishedSinceSweep < this.#maxPendingBytes) return;
    this.#lookAtAll(this.#context.clock.monotonicMs());
  }

  sweep(nowMs: number): void {
    if (!this.#trafficExpected || nowMs < this.#nextSweepAtMs) return;
    this.#lookAtAll(nowMs);
  }

  #lookAtAll(nowMs: number): void {
    this.#nextSweepAtMs = nowMs + SWEEP_INTERVAL_MS;
    this.#trafficExpected = false;
    this.#publishedSinceSweep = 0;
    for (const session of this.#context.sessions.values()) {
      const waiting = session.connection.getBufferedAmount();
      if (waiting === 0) session.stalledSinceMs = 0;
      else this.#judge(session, waiting, nowMs);
    }
  }

  #judge(session: Session, waiting: number, nowMs: number): void {
    this.#trafficExpected = true; // until its queue is empty this client is watched
    if (this.#maxPendingBytes > 0 && waiting > this.#maxPendingBytes) {
      dropAsTooSlow(this.#context, session);
      return;
    }
    if (this.isStuck(session, nowMs)) this.#context.terminate(session, "write_timeout");
  }

  /** For a session with something waiting: whether its socket took nothing for the write timeout, which is counted. */
  isStuck(session: Session, nowMs: number): boolean {
    if (session.stalledSinceMs === 0) {
      session.stalledSinceMs = nowMs;
      return false;
    }
    if (this.#writeTimeoutMs === 0 || nowMs - session.stalledSinceMs < this.#writeTimeoutMs) return false;
    const { counters } = this.#context;
    counters.timedOutServerMessages.value += 1;
    counters.failedServerMessages.value += 1;
    return true;
  }
}
