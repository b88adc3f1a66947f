/** Who takes frames of a topic. */
export interface TopicListener {
  deliver(frame: string): void;
}

/**
 * Which event streams follow which topic: the runtime's own topics are for WebSockets alone. Nearly every topic has one
 * listener, so that one stands in the map by itself.
 */
export class EventTopics {
  readonly #topics = new Map<string, TopicListener | Set<TopicListener>>();

  join(topic: string, listener: TopicListener): void {
    const entry = this.#topics.get(topic);
    if (entry === undefined) this.#topics.set(topic, listener);
    else if (entry instanceof Set) entry.add(listener);
    else if (entry !== listener) this.#topics.set(topic, new Set([entry, listener]));
  }

  leave(topic: string, listener: TopicListener): void {
    const entry = this.#topics.get(topic);
    if (entry instanceof Set) {
      entry.delete(listener);
      if (entry.size === 0) this.#topics.delete(topic);
    } else if (entry === listener) {
      this.#topics.delete(topic);
    }
  }

  publish(topic: string, frame: string): void {
    if (this.#topics.size === 0) return;
    const entry = this.#topics.get(topic);
    if (entry === undefined) return;
    if (entry instanceof Set) for (const listener of entry) listener.deliver(frame);
    else entry.deliver(frame);
  }
}
