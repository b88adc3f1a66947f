import { request } from "node:http";
import type { Headers } from "./scenario.ts";
import { Watchers } from "./watchers.ts";

/** A client of an event stream: it takes the response apart at its empty lines and keeps what comes, pings aside. */
export class StreamClient {
  status = 0;
  body = "";
  /** Of each event its lines, as they came. */
  readonly events: string[] = [];
  ended = false;
  #headers: Record<string, string | string[] | undefined> = {};
  #text = "";
  readonly #drop: () => void;
  readonly #watchers = new Watchers();

  constructor(port: number, path: string, ask: { method: string; body: string; headers: Headers }) {
    const given = Object.entries(ask.headers).filter(([, value]) => value !== null);
    const headers = { Connection: "keep-alive", ...Object.fromEntries(given) };
    const sent = request(
      { host: "127.0.0.1", port, path, method: ask.method, agent: false, headers: headers as never },
      (response) => {
        this.status = response.statusCode ?? 0;
        this.#headers = response.headers;
        response.setEncoding("utf8");
        response.on("data", (text: string) => this.#take(text));
        response.on("end", () => this.#end());
        response.on("error", () => this.#end());
        this.#watchers.wake();
      },
    );
    sent.on("error", () => this.#end());
    sent.end(ask.body);
    this.#drop = () => void sent.destroy();
  }

  header(name: string): string | null {
    const value = this.#headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }

  drop(): void {
    this.#drop();
  }

  /** Resolves true when `done` holds, false after `withinMs`. */
  until(done: () => boolean, withinMs: number): Promise<boolean> {
    return this.#watchers.until(done, withinMs);
  }

  #take(text: string): void {
    this.body += text;
    this.#text += text;
    for (let end = this.#text.indexOf("\n\n"); end >= 0; end = this.#text.indexOf("\n\n")) {
      const event = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      // A comment says nothing.
      if (!event.startsWith("event: ping\n") && !event.startsWith(":")) this.events.push(event);
    }
    this.#watchers.wake();
  }

  #end(): void {
    this.ended = true;
    this.#watchers.wake();
  }
}
