import type { Clock } from "../clock.ts";
import { ping } from "../protocol/replies.ts";
import type { Random } from "../random.ts";
import { type Deadline, NEVER } from "./deadlines.ts";
import { isClosed, type PingPrecision, type Session } from "./session.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Also send a WebSocket PING with each ping. */
  readonly nativePings: boolean;
  /** Sends a ping frame; engine's way of writing, without counting it as a message. */
  readonly sendPing: (session: Session, frame: string) => void;
  readonly onNoPong: (session: Session) => void;
}

/**
 * Pings and the patience for their answers (anycable node/session.go@1.6.16). A ping goes out every interval, the
 * first one after a random half to one and a half of it, so that clients who came together do not stay together.
 */
export class Heartbeat implements Deadline {
  readonly #options: HeartbeatOptions;
  /** Sessions that are pinged in the same tick share one frame. */
  #frame = "";
  #frameTimestamp = "";

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(session: Session): void {
    const { pingIntervalMs, pongTimeoutMs } = session.plan;
    if (pingIntervalMs <= 0) return;
    const firstMs = pingIntervalMs * (0.5 + this.#options.random.fraction());
    session.nextPingAtMs = this.#options.clock.monotonicMs() + firstMs;
    if (pongTimeoutMs > 0) session.pongDeadlineMs = session.nextPingAtMs + pongTimeoutMs;
  }

  /**
   * The client said something, a WebSocket PONG among it: nothing is owed until the next ping. The reference adds the
   * timeout to the deadline at each PONG, which drops those who answer when it is shorter than the interval, and lets
   * the deadline run away when it is longer.
   */
  heard(session: Session): void {
    session.pongDeadlineMs = 0;
  }

  dueAtMs({ nextPingAtMs, pongDeadlineMs }: Session): number {
    if (nextPingAtMs === 0) return NEVER;
    return pongDeadlineMs === 0 ? nextPingAtMs : Math.min(pongDeadlineMs, nextPingAtMs);
  }

  onDue(session: Session, nowMs: number): void {
    if (session.pongDeadlineMs !== 0 && session.pongDeadlineMs <= nowMs) {
      this.#options.onNoPong(session);
      return;
    }
    if (session.nextPingAtMs <= nowMs) this.#ping(session, nowMs);
  }

  #ping(session: Session, nowMs: number): void {
    const { pingIntervalMs, pingPrecision, pongTimeoutMs } = session.plan;
    const timestamp = pingTimestamp(this.#options.clock.nowMs(), pingPrecision);
    if (timestamp !== this.#frameTimestamp) {
      this.#frameTimestamp = timestamp;
      this.#frame = ping(timestamp);
    }
    session.nextPingAtMs = nowMs + pingIntervalMs;
    if (pongTimeoutMs > 0 && session.pongDeadlineMs === 0) session.pongDeadlineMs = nowMs + pongTimeoutMs;
    this.#options.sendPing(session, this.#frame);
    if (isClosed(session)) return; // a write can end the connection within the call
    if (this.#options.nativePings) session.connection.ping();
  }
}

/** Unix time as the client asked for it; nanoseconds are as fine as the clock, so the last digits are zeros. */
function pingTimestamp(nowMs: number, precision: PingPrecision): string {
  if (precision === "ms") return String(Math.floor(nowMs));
  if (precision === "ns") return `${Math.floor(nowMs)}000000`;
  return String(Math.floor(nowMs / 1000));
}
