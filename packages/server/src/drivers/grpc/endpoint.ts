import { addressText } from "./addresses.ts";
import type { ConnectFailure, GrpcAddress } from "./channel.ts";
import { Connection } from "./connection.ts";
import { Dial, type DialOptions } from "./dial.ts";

export interface EndpointOptions extends DialOptions {
  readonly minReconnectMs: number;
  readonly maxReconnectMs: number;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly maxCallsPerConnection: number;
}

/** What an endpoint tells the channel that it belongs to. */
export interface EndpointOwner {
  /** Its state or its connection is another. */
  moved(): void;
  failed(failure: ConnectFailure): void;
  /** The server wants fewer pings; from now on there is one every so many milliseconds. */
  pingsRarer(keepaliveTimeMs: number): void;
}

const BACKOFF_GROWTH = 1.6;
const BACKOFF_JITTER = 0.2;

/**
 * One address and the connection to it, which is opened anew whenever it ends. `failing` lasts from a failed attempt to the
 * next connection that stands, also while an attempt is under way (gRPC's connectivity-semantics-and-api.md): calls are not
 * to wait for a backend that was not there a moment ago.
 */
export class Endpoint {
  readonly key: string;
  readonly #address: GrpcAddress;
  readonly #options: EndpointOptions;
  readonly #owner: EndpointOwner;
  #state: "idle" | "connecting" | "failing" | "closed" = "idle";
  #connection: Connection | null = null;
  #stoodSinceMs = 0;
  #dial: Dial | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #backoffMs: number;
  #keepaliveTimeMs: number;

  constructor(address: GrpcAddress, options: EndpointOptions, owner: EndpointOwner) {
    this.key = addressText(address);
    this.#address = address;
    this.#options = options;
    this.#owner = owner;
    this.#backoffMs = options.minReconnectMs;
    this.#keepaliveTimeMs = options.keepaliveTimeMs;
  }

  /** The connection for the next call; null while none stands. */
  get connection(): Connection | null {
    return this.#connection;
  }

  get failing(): boolean {
    return this.#state === "failing";
  }

  connect(): void {
    if (this.#state !== "idle") return;
    this.#state = "connecting";
    this.#try();
  }

  /** Tries again now what waits for its back-off. */
  retryNow(): void {
    this.#backoffMs = this.#options.minReconnectMs;
    if (this.#retryTimer !== null) this.#try();
  }

  /** Ends the connection when its calls have ended. */
  close(): void {
    this.#state = "closed";
    this.#stopTimer();
    this.#dial?.cancel();
    this.#dial = null;
    this.#connection?.close();
    this.#connection = null;
  }

  #try(): void {
    this.#stopTimer();
    this.#dial = new Dial(this.#address, this.#options, {
      connected: (session, socket) => {
        this.#dial = null;
        this.#state = "connecting";
        this.#backoffMs = this.#options.minReconnectMs;
        this.#stoodSinceMs = performance.now();
        const options = {
          peer: this.key,
          keepaliveTimeMs: this.#keepaliveTimeMs,
          keepaliveTimeoutMs: this.#options.keepaliveTimeoutMs,
          maxCalls: this.#options.maxCallsPerConnection,
        };
        this.#connection = new Connection(session, socket, options, (tooManyPings) =>
          this.#ended(tooManyPings),
        );
        this.#owner.moved();
      },
      failed: (reason) => this.#failed(reason),
    });
  }

  #failed(reason: string): void {
    this.#dial = null;
    this.#state = "failing";
    this.#tryAfter(this.#backoffMs * (1 + BACKOFF_JITTER * (2 * Math.random() - 1)));
    this.#backoffMs = Math.min(this.#backoffMs * BACKOFF_GROWTH, this.#options.maxReconnectMs);
    this.#owner.failed({ address: this.key, reason });
    this.#owner.moved();
  }

  #ended(tooManyPings: boolean): void {
    if (this.#state === "closed") return;
    this.#connection = null;
    if (tooManyPings) {
      this.#keepaliveTimeMs *= 2;
      this.#owner.pingsRarer(this.#keepaliveTimeMs);
    }
    // At once; a server that hangs up on everybody is not to be called in a loop, though.
    const stoodMs = performance.now() - this.#stoodSinceMs;
    this.#tryAfter(Math.max(0, this.#options.minReconnectMs - stoodMs));
    this.#owner.moved();
  }

  #tryAfter(delayMs: number): void {
    this.#retryTimer = setTimeout(() => this.#try(), delayMs);
    this.#retryTimer.unref();
  }

  #stopTimer(): void {
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
  }
}
