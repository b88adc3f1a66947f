import type { FromNodes, PubSub } from "@hawser/core/engine/pub-sub";

/** The other servers, by way of a broker: what the engine hands over and what comes back to it. */
export interface Nodes extends PubSub {
  /** Whether the broker was reached since the start. */
  readonly hasBeenUp: boolean;
  /** Begins to connect, for as long as it takes; returns at once. Until then it has parted. */
  start(engine: FromNodes): void;
  /** What was handed over before still goes out. */
  stop(): Promise<void>;
}
