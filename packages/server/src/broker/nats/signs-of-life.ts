import type { Cancel, Clock } from "@hawser/core/clock";
import type { NatsLink } from "../../drivers/nats/nats-link.ts";

const SUBJECT = "__hawser__.alive";
/** Before the name of a server that goes; no name has it. */
const GOODBYE = ":";
const EVERY_MS = 1_500;
/** A server that was not heard of for so long is gone. */
const SILENT_MS = 6_000;

/** Which servers are there: each says so now and then, and all hear it. */
export class SignsOfLife {
  readonly #link: NatsLink;
  readonly #clock: Clock;
  readonly #own: string;
  /** By server when it was last heard of. */
  readonly #heard = new Map<string, number>();
  readonly #cancel: Cancel;
  /** From when on all that is said is heard. */
  #listeningSinceMs: number;
  #saidMs: number;

  /** @param onLate this server was silent for so long that the others took it for gone. */
  constructor(link: NatsLink, clock: Clock, own: string, onLate: () => void = () => {}) {
    this.#link = link;
    this.#clock = clock;
    this.#own = own;
    this.#listeningSinceMs = clock.monotonicMs();
    this.#saidMs = this.#listeningSinceMs;
    link.subscribe(SUBJECT, (text) => this.#hear(text));
    link.whenUp(() => {
      this.#listeningSinceMs = clock.monotonicMs();
      this.#say(own);
    });
    this.#cancel = clock.every(EVERY_MS, () => {
      const wasSilent = clock.monotonicMs() - this.#saidMs > SILENT_MS;
      this.#saidMs = clock.monotonicMs();
      this.#say(own);
      if (wasSilent && link.isUp) onLate();
      for (const server of this.#heard.keys()) if (this.isSilent(server)) this.#heard.delete(server);
    });
  }

  /** Whether it was not heard of while it would have been. */
  isSilent(server: string): boolean {
    if (server === this.#own || !this.#link.isUp) return false;
    const heardMs = Math.max(this.#heard.get(server) ?? 0, this.#listeningSinceMs);
    return heardMs + SILENT_MS < this.#clock.monotonicMs();
  }

  /** Of the servers that are there this is the first: it sees to what those that are gone have left. */
  get isFirst(): boolean {
    for (const server of this.#heard.keys()) if (server < this.#own && !this.isSilent(server)) return false;
    return true;
  }

  stop(): void {
    this.#cancel();
    this.#say(GOODBYE + this.#own);
  }

  #say(text: string): void {
    this.#link.publish(SUBJECT, text);
  }

  #hear(text: string): void {
    if (text.startsWith(GOODBYE)) this.#heard.delete(text.slice(1));
    else this.#heard.set(text, this.#clock.monotonicMs());
  }
}
