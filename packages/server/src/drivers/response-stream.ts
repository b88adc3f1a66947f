/** What the runtime gives to the source of a "direct" stream. */
interface Sink {
  /** Bytes taken; a promise when the socket is full, which resolves once it is empty again or gone. */
  write(chunk: Uint8Array): number | Promise<number>;
  end(): void;
  /** With an error: cuts the connection. */
  close(fault: Error): void;
}

/** Who writes to the stream. */
export interface StreamOwner {
  /** The client took what had waited, or some of it. */
  drained(): void;
  /** The client has gone. Not called once we have ended the stream ourselves. */
  gone(): void;
}

/** Text as a stream takes it. */
export function chunkOf(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Sent where the stream begins with nothing to say: without a byte the runtime does not even end the head. */
const NOTHING = chunkOf(":\n\n");

/** How long a client may take to read the rest of a stream that has ended; what the runtime gives a WebSocket. */
const LAST_READ_MS = 4000;

/**
 * The body of a response that goes on until one of the two ends it. Of the ways that the runtime has, a direct stream
 * costs the least (bench/sse.ts); it stays open when `pull` returns no promise, so that it costs no promise either.
 * Chunks of one tick leave in one write. While the client does not keep up they wait here, where they can be counted
 * and where clients share one copy of a message.
 */
export class ResponseStream {
  readonly #owner: StreamOwner;
  #sink: Sink | null = null;
  /** What waits: for the response to begin, or for the client. Null while everything goes out at once. */
  #queue: Uint8Array[] | null = [];
  #waiting = 0;
  #state: "open" | "ending" | "over" = "open";

  constructor(owner: StreamOwner) {
    this.#owner = owner;
  }

  /** Whether the response has begun. */
  get begun(): boolean {
    return this.#sink !== null;
  }

  /** Bytes that were written and have not left. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Bytes that went out, -1 when they wait behind others, 0 when the stream is over. The chunk must not change after. */
  write(chunk: Uint8Array): number {
    if (this.#state !== "open") return 0;
    const { length } = chunk;
    if (this.#queue === null) {
      if (this.#pass(chunk)) return length;
    } else {
      this.#queue.push(chunk);
      this.#waiting += length;
    }
    return -1;
  }

  /** Ends the response behind what waits; a client that does not read it in time is cut. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (this.#sink !== null) this.#endBegun(this.#sink);
  }

  #endBegun(sink: Sink): void {
    if (this.#queue === null) this.#finish(sink);
    else setTimeout(() => this.cut(), LAST_READ_MS).unref();
  }

  /** Ends the connection at once. */
  cut(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#forget();
    this.#sink?.close(new Error("the client was cut"));
    this.#sink = null;
  }

  /** The response; to be asked for once. The runtime's source is this object itself: another one would cost memory. */
  response(headers: Readonly<Record<string, string>>): Response {
    // `as never`: the types know a direct stream only as one that ends when `pull` returns.
    return new Response(new ReadableStream(this as never), { headers });
  }

  /** For the runtime. */
  get type(): "direct" {
    return "direct";
  }

  /** For the runtime: the response begins. */
  pull(sink: Sink): void {
    if (this.#state === "over") {
      sink.close(new Error("the client was cut"));
      return;
    }
    this.#sink = sink;
    if (this.#queue?.length === 0) sink.write(NOTHING);
    this.#passQueue();
    if (this.#state === "ending") this.#endBegun(sink);
  }

  /** For the runtime: the client has gone. */
  cancel(): void {
    const ours = this.#state !== "open";
    this.#state = "over";
    this.#sink = null;
    this.#forget();
    if (!ours) this.#owner.gone();
  }

  /** Hands a chunk to the runtime; false when the socket is full with it, and the next ones have to wait. */
  #pass(chunk: Uint8Array): boolean {
    const taken = this.#sink?.write(chunk);
    if (!(taken instanceof Promise)) return true;
    this.#queue ??= [];
    this.#waiting += chunk.length;
    void taken.then(() => this.#drained(chunk.length));
    return false;
  }

  #drained(bytes: number): void {
    if (this.#state === "over") return;
    this.#waiting -= bytes;
    this.#passQueue();
    if (this.#state === "open") this.#owner.drained();
    else if (this.#queue === null && this.#sink !== null) this.#finish(this.#sink);
  }

  #passQueue(): void {
    const queue = this.#queue ?? [];
    this.#queue = null;
    for (let at = 0; at < queue.length; at += 1) {
      const chunk = queue[at];
      if (chunk === undefined) continue;
      this.#waiting -= chunk.length;
      if (this.#pass(chunk)) continue;
      this.#queue = queue.slice(at + 1);
      return;
    }
  }

  #finish(sink: Sink): void {
    this.#state = "over";
    this.#sink = null;
    sink.end();
  }

  #forget(): void {
    this.#queue = null;
    this.#waiting = 0;
  }
}
