/** How a connection ended, as the client saw it. */
export interface CloseSeen {
  readonly code: number;
  readonly reason: string;
}

/** A plain client: text in, text out, no reconnects, and every frame kept. */
export class CableClient {
  readonly frames: string[] = [];
  /** Without pings, which come when they like. */
  readonly messages: string[] = [];
  readonly #socket: WebSocket;
  readonly #watchers = new Set<() => void>();
  closedWith: CloseSeen | null = null;
  opened = false;

  constructor(url: string, options: { protocols?: string[]; headers?: Record<string, string> } = {}) {
    this.#socket = new WebSocket(url, options as never); // Bun takes headers here; the standard type does not
    this.#socket.onopen = () => {
      this.opened = true;
      this.#wake();
    };
    this.#socket.onmessage = ({ data }) => {
      const text = String(data);
      this.frames.push(text);
      if (!text.includes('"type":"ping"')) this.messages.push(text);
      this.#wake();
    };
    this.#socket.onclose = ({ code, reason }) => {
      this.closedWith = { code, reason };
      this.#wake();
    };
    this.#socket.onerror = () => {};
  }

  /** The sub-protocol that the server chose. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  send(command: object | string): void {
    this.#socket.send(typeof command === "string" ? command : JSON.stringify(command));
  }

  close(): void {
    this.#socket.close();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** Resolves when `done` holds; rejects after `withinMs` with what was seen. */
  until(done: () => boolean, what: string, withinMs = 4000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watch);
        const seen = JSON.stringify({ messages: this.messages, closedWith: this.closedWith });
        reject(new Error(`no ${what} within ${withinMs} ms; seen: ${seen}`));
      }, withinMs);
      const watch = () => {
        if (!done()) return;
        clearTimeout(timer);
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  /** The message at this place, once it is there. */
  async message(index: number): Promise<string> {
    await this.until(() => this.messages.length > index, `message ${index}`);
    return this.messages[index] as string; // just waited for
  }

  async closed(withinMs?: number): Promise<CloseSeen> {
    await this.until(() => this.closedWith !== null, "close", withinMs);
    return this.closedWith as CloseSeen; // just waited for
  }

  #wake(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}

/** Publishes over HTTP; the response's status. */
export async function publish(port: number, body: unknown, key?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/_broadcast`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(key === undefined ? {} : { headers: { Authorization: `Bearer ${key}` } }),
  });
}
