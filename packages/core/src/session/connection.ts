/** What `send` returns for a frame of a kind that this client asked not to get. */
export const NOT_WANTED = -2;

/**
 * PORT: one client's socket, as a session may use it. The members are those of a Bun WebSocket on purpose: that
 * object itself stands behind the port, so that a connection costs no adapter (bench: memory).
 */
export interface Connection {
  /** Queues a text frame: bytes sent, -1 when it waits behind others, 0 when it was dropped, `NOT_WANTED`. Never throws. */
  send(frame: string, compress?: boolean): number;
  /** Joins a topic: every frame published to it from now on reaches this connection, in order with `send`. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Sends a WebSocket PING. */
  ping(): number;
  /** Says goodbye behind what is queued. */
  close(code: number, reason: string): void;
  /** Cuts the connection; what is still queued is lost. */
  terminate(): void;
  /** The peer's address without its port, undefined once it is gone. Looking it up costs a microsecond or two. */
  readonly remoteAddress: string | undefined;
  /** Bytes that wait to be sent. */
  getBufferedAmount(): number;
}

/** PORT: the fan-out of this process. */
export interface Topics {
  /** Sends one frame to every connection in the topic; the payload bytes of one copy, whether they went out or wait. */
  publish(topic: string, frame: string, compress?: boolean): number;
}
