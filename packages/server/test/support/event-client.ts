import { EventSource } from "eventsource";

/** An event as the stock client hands it on. */
export interface SeenEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string;
}

const TYPES = ["message", "welcome", "confirm_subscription", "disconnect", "presence", "confirm_history"];

/** The `EventSource` of npm, unmodified, and what it told. */
export class EventClient {
  readonly events: SeenEvent[] = [];
  /** Status codes of answers that were no stream; undefined for a connection that ended. */
  readonly errors: (number | undefined)[] = [];
  opens = 0;
  readonly #source: EventSource;

  constructor(url: string) {
    this.#source = new EventSource(url);
    this.#source.onopen = () => {
      this.opens += 1;
    };
    this.#source.onerror = ({ code }) => {
      this.errors.push(code);
    };
    for (const type of TYPES) {
      this.#source.addEventListener(type, ({ data, lastEventId }) => {
        this.events.push({ type, data: String(data), id: lastEventId });
      });
    }
  }

  /** Of the messages what they say. */
  get messages(): string[] {
    return this.of("message").map(({ data }) => data);
  }

  /** Whether it has given up. */
  get closed(): boolean {
    return this.#source.readyState === EventSource.CLOSED;
  }

  of(type: string): SeenEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  async until(done: () => boolean, what: string, withinMs = 10_000): Promise<void> {
    for (const endMs = performance.now() + withinMs; !done(); await Bun.sleep(5)) {
      if (performance.now() < endMs) continue;
      const { events, errors, opens } = this;
      throw new Error(`no ${what} within ${withinMs} ms; seen: ${JSON.stringify({ events, errors, opens })}`);
    }
  }

  stop(): void {
    this.#source.close();
  }
}
