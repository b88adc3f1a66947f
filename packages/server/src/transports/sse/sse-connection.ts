import { type Connection, NOT_WANTED } from "@hawser/core/session/connection";
import type { Session } from "@hawser/core/session/session";
import { ResponseStream, type StreamOwner } from "../../drivers/response-stream.ts";
import type { EventPrinter } from "./event-printer.ts";
import type { EventTopics, TopicListener } from "./event-topics.ts";

/** What every event stream of a server shares. */
export interface SseConnections {
  readonly printer: EventPrinter;
  readonly topics: EventTopics;
  readonly drained: (session: Session) => void;
  /** The client has gone. */
  readonly gone: (connection: SseConnection) => void;
  /** A response began, or one that had begun is over. */
  readonly begun: () => void;
  readonly ended: () => void;
}

/**
 * What waits for the response to begin does not wait for a slow client: a welcome, confirmations, and of each channel what
 * was missed. As much as a socket takes from the server at once does not count as waiting.
 */
const EARLY_BYTES = 4 * 1024 * 1024;

/** An event stream in the place of a socket: frames of the cable go out as events. */
export class SseConnection implements Connection, StreamOwner, TopicListener {
  readonly #shared: SseConnections;
  readonly #form: number;
  readonly #stream: ResponseStream;
  /** Told once as much waits for the response to begin as fits; null while nobody asks. */
  #onFull: (() => void) | null = null;
  /** Whether it is among the clients that are being streamed to. */
  #counted = false;
  readonly remoteAddress: string;
  /** Set when the engine has made it. */
  session: Session | null = null;
  /** Close code of the farewell, 0 until there is one. */
  closeCode = 0;

  constructor(shared: SseConnections, form: number, remoteAddress: string) {
    this.#shared = shared;
    this.#form = form;
    this.#stream = new ResponseStream(this);
    this.remoteAddress = remoteAddress;
  }

  /** The response whose body this is; what was sent so far comes first. */
  response(headers: Readonly<Record<string, string>>): Response {
    this.#counted = true;
    this.#onFull = null;
    this.#shared.begun();
    return this.#stream.response(headers);
  }

  send(frame: string): number {
    const chunk = this.#shared.printer.print(frame, this.#form);
    return chunk === null ? NOT_WANTED : this.#write(chunk);
  }

  /** What was published to a topic. */
  deliver(frame: string): void {
    const chunk = this.#shared.printer.printBroadcast(frame, this.#form);
    if (chunk !== null) this.#write(chunk);
  }

  #write(chunk: Uint8Array): number {
    const sent = this.#stream.write(chunk);
    if (this.#onFull !== null && this.isFull) this.#onFull();
    return sent;
  }

  /** Whether more waits for the response to begin than may. */
  get isFull(): boolean {
    const { begun, waiting } = this.#stream;
    return !begun && waiting > EARLY_BYTES;
  }

  /** Resolves once that is so, if the response has not begun by then. To be asked for by one at a time. */
  whenFull(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFull = resolve;
    });
  }

  subscribe(topic: string): void {
    this.#shared.topics.join(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#shared.topics.leave(topic, this);
  }

  /** There are no control frames. */
  ping(): number {
    return 0;
  }

  close(code: number): void {
    this.closeCode = code;
    this.#stream.end();
    this.#countOut();
  }

  terminate(): void {
    this.#stream.cut();
    this.#countOut();
  }

  getBufferedAmount(): number {
    const { begun, waiting } = this.#stream;
    return begun || this.isFull ? waiting : 0;
  }

  drained(): void {
    if (this.session !== null) this.#shared.drained(this.session);
  }

  gone(): void {
    this.leaveTopics();
    this.#countOut();
    this.#shared.gone(this);
  }

  #countOut(): void {
    if (this.#counted) this.#shared.ended();
    this.#counted = false;
  }

  /** What the runtime does for a WebSocket that is gone. */
  leaveTopics(): void {
    for (const { groups } of this.session?.subscriptions?.values() ?? []) {
      for (const { topic } of groups) this.unsubscribe(topic);
    }
  }
}
