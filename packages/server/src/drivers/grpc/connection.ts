import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";

export interface ConnectionOptions {
  /** As in `addressText`. */
  readonly peer: string;
  /** Quiet time before a ping. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** It takes no more. */
  readonly maxCalls: number;
}

/** Told once that a connection takes no more calls: it is lost, or the server has said goodbye. */
export type OnLeave = (tooManyPings: boolean) => void;

/** RFC 9113 7. */
const ENHANCE_YOUR_CALM = 11;

/** An HTTP/2 connection that stands. */
export class Connection {
  readonly peer: string;
  readonly #session: ClientHttp2Session;
  readonly #options: ConnectionOptions;
  readonly #onLeave: OnLeave;
  #timer: NodeJS.Timeout;
  /** Something came in since the timer was set. */
  #heard = false;
  #calls = 0;
  #left = false;
  #lost = false;

  constructor(session: ClientHttp2Session, socket: Socket, options: ConnectionOptions, onLeave: OnLeave) {
    this.peer = options.peer;
    this.#session = session;
    this.#options = options;
    this.#onLeave = onLeave;
    this.#timer = this.#watch();
    socket.on("data", () => {
      this.#heard = true;
    });
    socket.once("close", () => this.#lose());
    session.on("error", () => this.#lose());
    session.once("close", () => this.#lose());
    session.once("goaway", (code: number, _lastStream: number, words?: Buffer) => {
      this.#leave(code === ENHANCE_YOUR_CALM && words?.toString() === "too_many_pings");
    });
  }

  /** True once it is gone; calls that have no status by then were cut off. */
  get lost(): boolean {
    return this.#lost;
  }

  /** True once it takes no more calls. */
  get left(): boolean {
    return this.#left;
  }

  /** Opens a stream, or returns null when the connection has just ended and nothing was sent. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream | null {
    if (this.#left) return null;
    try {
      const stream = this.#session.request(headers);
      this.#calls += 1;
      if (this.#calls >= this.#options.maxCalls) this.#wearOut();
      return stream;
    } catch {
      this.#leave(false);
      return null;
    }
  }

  /** Ends it when its calls have ended. */
  close(): void {
    this.#left = true;
    this.#session.close();
  }

  #wearOut(): void {
    this.#leave(false);
    this.#session.close();
  }

  #watch(): NodeJS.Timeout {
    this.#heard = false;
    const timer = setTimeout(() => this.#quiet(), this.#options.keepaliveTimeMs);
    timer.unref();
    return timer;
  }

  #quiet(): void {
    if (this.#heard) {
      this.#timer = this.#watch();
      return;
    }
    this.#timer = setTimeout(() => this.#giveUp(), this.#options.keepaliveTimeoutMs);
    this.#timer.unref();
    const sent = !this.#session.destroyed && this.#session.ping((error) => this.#answered(error));
    if (!sent) this.#giveUp();
  }

  #answered(error: Error | null): void {
    if (this.#lost || error !== null) return;
    clearTimeout(this.#timer);
    this.#timer = this.#watch();
  }

  #giveUp(): void {
    this.#lose();
    this.#session.destroy();
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    clearTimeout(this.#timer);
    this.#leave(false);
  }

  #leave(tooManyPings: boolean): void {
    if (this.#left) return;
    this.#left = true;
    this.#onLeave(tooManyPings);
  }
}
