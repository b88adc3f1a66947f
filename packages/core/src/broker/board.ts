import type { Revocation } from "../jwt/revocation/revocation.ts";
import type { RingReport } from "../jwt/ring-report.ts";

/** What a server finds on the board. */
export interface BoardNews {
  /** Of every server that has shown itself of late, this one included. */
  readonly rings: readonly RingReport[];
  /** In force, and written down after the place that was asked for. */
  readonly revocations: readonly Revocation[];
  /** The place to ask for the next time; smaller than the one asked for where the store has lost what it had. */
  readonly upTo: number;
}

/**
 * PORT: where the servers of one cluster write down what each has to know that starts, or was cut off from the others:
 * revocations in force, and marks of each other's keys. It is in the store of their broker.
 */
export interface Board {
  /** False while it cannot be asked. */
  readonly isUp: boolean;
  /** Begins to connect, for as long as it takes. @param onUp told each time that it can be asked. */
  start(onUp: () => void): void;
  /**
   * Shows the others this server's ring, for the next seconds, and reads what there is.
   *
   * @param after a place that was told before; 0 for everything.
   */
  look(own: RingReport, after: number): Promise<BoardNews>;
  /**
   * Writes revocations down until their end; one that is there already is put off to the later end. False when there is no
   * room for them.
   */
  write(revocations: readonly Revocation[]): Promise<boolean>;
  /** Takes this server's ring down, and ends. */
  stop(own: RingReport): Promise<void>;
}
