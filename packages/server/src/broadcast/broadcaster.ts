/** Where publications come from that does not lie on a listener of this server. */
export interface Broadcaster {
  /** Begins to take publications; returns at once, and goes on for as long as it takes to reach their source. */
  start(): void;
  /** Takes no more, and finishes what it has begun. */
  stop(): Promise<void>;
}
