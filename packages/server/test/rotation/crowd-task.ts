/** What a process of clients is told at its start, and what it tells; JSON both ways. */
export interface CrowdTask {
  readonly url: string;
  /** Where the application gives out tokens, as JSON; the user's name is appended. */
  readonly tokenUrl: string;
  /** The names of its clients: this one, and the numbers after it. */
  readonly firstUser: number;
  readonly clients: number;
  /** One client in so many never leaves by itself; 0 for none. */
  readonly stayersEvery: number;
  /** How long, on average, another stays before its connection breaks. */
  readonly stayMs: number;
  readonly deck: string;
  /** Chance is made of it, so that a failure can be played again. */
  readonly seed: number;
}

/** `calm`: nobody leaves any more. `report`: say what has happened so far. */
export type CrowdOrder = "calm" | "report";

/** What happened to one client. */
export interface ClientReport {
  readonly user: number;
  readonly stays: boolean;
  /** Subscribed at this moment. */
  readonly here: boolean;
  /** The first and the last number of each of its subscriptions, in their order; none without numbers. */
  readonly spans: readonly (readonly [first: number, last: number])[];
  /** Numbers that did not follow the one before within a subscription. */
  readonly gaps: number;
  /** The times that it was subscribed. */
  readonly subscribed: number;
  readonly refreshed: number;
  /** Why its connections were closed for good as far as the server is concerned, but for `token_expired`. */
  readonly closes: readonly string[];
}
