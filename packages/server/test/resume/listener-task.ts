/** What a process of listeners is started with. */
export interface ListenerTask {
  readonly url: string;
  /** A public stream, or a channel of the application. */
  readonly subscription: { readonly stream: string } | { readonly channel: string };
  /** One for each client; null for one that presents none. */
  readonly tokens: readonly (string | null)[];
  readonly pingIntervalMs: number;
  readonly seed: number;
}

/** What became of a client. */
export interface ListenerReport {
  /** It is subscribed at this moment. */
  readonly here: boolean;
  /** Numbers of the messages that it was given: how many, and the last. */
  readonly count: number;
  readonly last: number;
  /** Where the order was broken: what came in place of what; the first few. */
  readonly faults: readonly (readonly [expected: number, got: number])[];
  readonly restored: number;
  /** It had to subscribe anew. */
  readonly resubscribed: number;
  readonly lost: readonly string[];
}
