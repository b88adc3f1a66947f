import type { Clock } from "@hawser/core/clock";
import type { Log, LogFields } from "@hawser/core/log";

/** To what links go. */
export type LinkTo = "redis" | "nats";

/** One link, as far as others are told of it. */
export interface LinkMark {
  up(): void;
  /** It is gone, or was not to be had; said each time that it is tried. */
  down(message: string, fields: LogFields): void;
  /** What the library says beside its errors. */
  remark(text: string): void;
}

/** Whether all links to the same place that are for the same use stand. */
export interface LinkState {
  readonly to: LinkTo;
  readonly use: string;
  readonly isUp: boolean;
}

interface Entry {
  readonly to: LinkTo;
  /** What it is for; empty where nobody is told. */
  readonly use: string;
  state: "new" | "up" | "down";
  /** Whether the log has that it is down. */
  isTold: boolean;
}

/** Links to one place are lost together, within this time. */
const TOGETHER_MS = 100;
/** While one is down the log says so this often. */
const REMINDER_MS = 60_000;

/** The links of a server to Redis and NATS: which of them stand, and in the log one line for all that are down together. */
export class LinkBook {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries: Entry[] = [];
  readonly #lastToldMs = new Map<LinkTo, number>();
  readonly #waiting = new Set<LinkTo>();
  readonly #remarks = new Set<string>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param use what the link is for, as metrics and the log name it. */
  open(to: LinkTo, use: string): LinkMark {
    const entry: Entry = { to, use, state: "new", isTold: false };
    this.#entries.push(entry);
    return {
      up: () => {
        entry.state = "up";
        entry.isTold = false;
      },
      down: (message, fields) => this.#down(entry, message, fields),
      remark: (text) => this.#remark(to, text),
    };
  }

  /** One for each use. */
  states(): readonly LinkState[] {
    const states = new Map<string, LinkState>();
    for (const { to, use, state } of this.#entries) {
      const isUp = state === "up" && states.get(`${to} ${use}`)?.isUp !== false;
      states.set(`${to} ${use}`, { to, use, isUp });
    }
    return [...states.values()];
  }

  #down(entry: Entry, message: string, fields: LogFields): void {
    const { to } = entry;
    entry.state = "down";
    const lastToldMs = this.#lastToldMs.get(to) ?? Number.NEGATIVE_INFINITY;
    if (entry.isTold && this.#clock.monotonicMs() - lastToldMs < REMINDER_MS) {
      this.#log.debug(message, { ...fields, ...usesField([entry]) });
      return;
    }
    entry.isTold = true;
    // The first of them has the words for all.
    if (this.#waiting.has(to)) return;
    this.#waiting.add(to);
    this.#clock.after(TOGETHER_MS, () => {
      this.#waiting.delete(to);
      this.#lastToldMs.set(to, this.#clock.monotonicMs());
      const down = this.#entries.filter((one) => one === entry || (one.to === to && one.state === "down"));
      for (const one of down) one.isTold = one.state === "down";
      this.#log.warn(message, { ...fields, ...usesField(down) });
    });
  }

  /** Said once: each connection would bring it again. */
  #remark(to: LinkTo, text: string): void {
    if (this.#remarks.has(text)) return;
    this.#remarks.add(text);
    this.#log.warn(to === "redis" ? "Redis is not set up as this server is" : "NATS says", { error: text });
  }
}

function usesField(entries: readonly Entry[]): LogFields {
  const uses = [...new Set(entries.map(({ use }) => use))].filter((use) => use !== "");
  return uses.length === 0 ? {} : { for: uses.join(",") };
}
