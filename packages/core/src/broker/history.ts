import type { Publication } from "../protocol/publication.ts";
import type { Answer } from "./answer.ts";

/** Where a message stands in its stream. Offsets count from 1; a new epoch says that the count began anew. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** One message that was kept. */
export interface KeptMessage {
  readonly offset: number;
  /** JSON text, as it stands in a frame. */
  readonly message: string;
}

/** What came after a position, or why it cannot be told: then something may be missing. */
export type Backlog =
  | { readonly kept: true; readonly epoch: string; readonly messages: readonly KeptMessage[] }
  /** `why` is a phrase for the operator. */
  | { readonly kept: false; readonly why: string };

export interface HistorySize {
  readonly streams: number;
  readonly messages: number;
}

/**
 * PORT: what was published to each stream, for so long and so many messages (anycable broker/broker.go@1.6.16).
 * An adapter whose answers are promises keeps the order of its calls a stream.
 */
export interface History {
  /** Keeps a message and says where it stands. Null when nothing is kept (`--history_limit=0`): it then has no position. */
  append(stream: string, message: string): Answer<Position | null>;
  /**
   * Keeps a publication and hands it to every server that follows its stream, this one included, in one step: so all hear a
   * stream in the order of its offsets, whichever server its messages came to. Rejects when it could not be kept, and then
   * nobody hears it. Null where history and pub/sub are not one system: then it is `append`, and the engine hands on.
   */
  readonly publish: ((publication: Publication) => Promise<void>) | null;
  /**
   * Messages after `position`, oldest first. None, and `kept`, for a client that is up to date, also when all messages
   * of the stream have expired (DEVIATION: D23).
   */
  after(stream: string, position: Position): Answer<Backlog>;
  /** Messages since a Unix time in seconds, that second included, oldest first. A stream never seen has none. */
  since(stream: string, sinceS: number): Answer<Backlog>;
  /** Where the stream stands now; null for one of which nothing is known. A new message comes after it. */
  head(stream: string): Answer<Position | null>;
  /** How much of it this process keeps. */
  size(): HistorySize;
}
