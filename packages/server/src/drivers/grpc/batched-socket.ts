import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Past so much the HTTP/2 session waits before it writes on. */
const MAX_QUEUED_BYTES = 1 << 18;

/**
 * A socket that is written to once a turn of the event loop. HTTP/2 writes frame by frame; a server that was sent two dozen
 * connects in one turn tells the application of all of them with one system call instead of one for each.
 */
export class BatchedSocket extends Duplex {
  readonly #socket: Socket;
  #flushing = false;

  /** @param socket connected; it belongs to this from now on. */
  constructor(socket: Socket) {
    super({ writableHighWaterMark: MAX_QUEUED_BYTES, decodeStrings: false });
    this.#socket = socket;
    socket.on("data", (bytes) => void this.push(bytes));
    socket.on("end", () => void this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override write(bytes: Uint8Array): boolean {
    if (!this.#flushing) {
      this.#flushing = true;
      this.cork();
      setImmediate(this.#flush);
    }
    return super.write(bytes);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    this.uncork();
  };

  /** Bytes are pushed as they come: the session always takes them. */
  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  override _writev(
    writes: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    const chunks: Uint8Array[] = [];
    for (const { chunk } of writes) chunks.push(chunk);
    this.#socket.write(Buffer.concat(chunks), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
