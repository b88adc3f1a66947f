/**
 * PORT: the other nodes. What is handed over comes back to every node that follows the stream, this one included, and goes to
 * `Engine.deliver` there: so the order is the same for all, and nothing comes twice (anycable pubsub/@1.6.16).
 */
export interface PubSub {
  /** False while nothing that is handed over would reach anybody. */
  readonly isUp: boolean;
  /** Hands over a message of the stream, in the form of `streamMessage`. */
  publish(stream: string, text: string): void;
  /** Hands a remote command to every node. */
  command(text: string): void;
  /** The first subscriber of this node came to the stream. */
  follow(stream: string): void;
  /** The last one left. */
  unfollow(stream: string): void;
  /**
   * Of a stream that is followed: a promise until whatever is published to it from now on will come here, null where that
   * is so already. It never rejects, and resolves as well when the connection is lost, which is said by `parted`.
   */
  following(stream: string): Promise<void> | null;
  /** Resolves once all that was handed over before has arrived at the broker; false when some of it was lost on the way. */
  settled(): Promise<boolean>;
}

/** What comes from the other nodes; the engine is one. */
export interface FromNodes {
  /**
   * Something has come by a channel.
   *
   * @param stream whose channel it was; null for one that may carry anything.
   */
  deliver(text: string, stream: string | null): void;
  /** There is no connection to the other nodes: what is published may not come here. Said more than once it changes nothing. */
  parted(): void;
  /** There is one, and whatever is published to a stream that is followed comes here again. */
  rejoined(): void;
}
