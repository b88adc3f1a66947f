import type { Clock } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { JetStream } from "./jet-stream.ts";
import { KeyValues } from "./key-values.ts";

const BUCKET = "hawser_clock";
const KEY = "now";
const TTL_MS = 60_000;
/** So far apart are clocks that are set by the network. */
const NEARLY_EQUAL_MS = 1_000;
const WORTH_A_LINE_MS = 5_000;
const MEASURE_EVERY_MS = 600_000;

/**
 * The time by the clock of NATS, by which all servers measure what it keeps: their own may differ from it and from each other.
 * It is told by nothing but the time of a message, so one is stored and looked at.
 */
export class NatsTime {
  readonly #bucket: KeyValues;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stop: () => void;
  #aheadMs = 0;

  constructor(jetStream: JetStream, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#bucket = new KeyValues(jetStream, clock, { bucket: BUCKET, ttlMs: TTL_MS });
    jetStream.whenReady(() => void this.#measure());
    this.#stop = clock.every(MEASURE_EVERY_MS, () => {
      if (jetStream.isReady) void this.#measure();
    });
  }

  /** Wall time in milliseconds since the Unix epoch. */
  nowMs(): number {
    return this.#clock.nowMs() + this.#aheadMs;
  }

  stop(): void {
    this.#stop();
  }

  async #measure(): Promise<void> {
    try {
      await this.#bucket.get(KEY); // the first time the bucket is made, which takes a while
      const beforeMs = this.#clock.nowMs();
      await this.#bucket.put(KEY, "");
      const found = await this.#bucket.get(KEY);
      if (found === null) return;
      const aheadMs = found.atMs - beforeMs;
      this.#aheadMs = Math.abs(aheadMs) < NEARLY_EQUAL_MS ? 0 : aheadMs;
      if (Math.abs(aheadMs) >= WORTH_A_LINE_MS) {
        const seconds = Math.round(aheadMs / 1000);
        this.#log.warn("the clock of NATS differs from this server's", { ahead_s: seconds });
      }
    } catch (thrown) {
      this.#log.debug("the clock of NATS was not asked", { error: messageOf(thrown) });
    }
  }
}
