import type { Broker } from "@hawser/core/broker/broker";
import type { Backlog, History, HistorySize, Position } from "@hawser/core/broker/history";
import type { Presence, PresenceOutcome, PresenceSize } from "@hawser/core/broker/presence";
import type { SessionSnapshot, Sessions } from "@hawser/core/broker/sessions";

/** Asks the control thread, which has the broker; calls arrive there in their order. */
export type AskControl = (about: string, given: readonly unknown[]) => Promise<unknown>;

/** What of a broker the control thread has. */
export interface Kept {
  /** `handsOn`: it also hands publications to all servers. */
  readonly history: "keeps" | "handsOn" | null;
  /** `shared`: other servers have the same. */
  readonly sessions: "own" | "shared" | null;
  readonly presence: boolean;
}

export function keptBy({ history, sessions, presence }: Broker): Kept {
  return {
    history: history && (history.publish === null ? "keeps" : "handsOn"),
    sessions: sessions && (sessions.isShared ? "shared" : "own"),
    presence: presence !== null,
  };
}

/** The broker as a connection thread knows it: every answer is the control thread's. `as` below: so are their shapes. */
export function askedBroker(ask: AskControl, { history, sessions, presence }: Kept): Broker {
  return {
    history: history && new AskedHistory(ask, history === "handsOn"),
    sessions: sessions && new AskedSessions(ask, sessions === "shared"),
    presence: presence ? new AskedPresence(ask) : null,
    close() {},
  };
}

class AskedHistory implements History {
  readonly publish: History["publish"];
  readonly #ask: AskControl;

  constructor(ask: AskControl, handsOn: boolean) {
    this.#ask = ask;
    this.publish = handsOn ? (publication) => ask("publish", [publication]).then(() => {}) : null;
  }

  append(stream: string, message: string): Promise<Position | null> {
    return this.#ask("append", [stream, message]) as Promise<Position | null>;
  }

  after(stream: string, position: Position): Promise<Backlog> {
    return this.#ask("after", [stream, position]) as Promise<Backlog>;
  }

  since(stream: string, sinceS: number): Promise<Backlog> {
    return this.#ask("since", [stream, sinceS]) as Promise<Backlog>;
  }

  head(stream: string): Promise<Position | null> {
    return this.#ask("head", [stream]) as Promise<Position | null>;
  }

  size(): HistorySize {
    return { streams: 0, messages: 0 };
  }
}

class AskedSessions implements Sessions {
  readonly isShared: boolean;
  readonly #ask: AskControl;

  constructor(ask: AskControl, isShared: boolean) {
    this.#ask = ask;
    this.isShared = isShared;
  }

  async save(sid: string, snapshot: SessionSnapshot): Promise<void> {
    await this.#ask("save", [sid, snapshot]);
  }

  find(sid: string): Promise<SessionSnapshot | null> {
    return this.#ask("find", [sid]) as Promise<SessionSnapshot | null>;
  }

  async renew(sid: string): Promise<void> {
    await this.#ask("renew", [sid]);
  }

  async remove(sid: string): Promise<void> {
    await this.#ask("remove", [sid]);
  }

  async removeOf(identifiers: string, lineage?: string): Promise<void> {
    await this.#ask("removeOf", lineage === undefined ? [identifiers] : [identifiers, lineage]);
  }

  /** Every thread hears what an operator asks for, and the control thread removes what it has. */
  removeWhere(): void {}
}

class AskedPresence implements Presence {
  readonly #ask: AskControl;

  constructor(ask: AskControl) {
    this.#ask = ask;
  }

  join(stream: string, sid: string, id: string, info: string | null): Promise<PresenceOutcome> {
    return this.#ask("join", [stream, sid, id, info]) as Promise<PresenceOutcome>;
  }

  leave(stream: string, sid: string): Promise<PresenceOutcome> {
    return this.#ask("leave", [stream, sid]) as Promise<PresenceOutcome>;
  }

  info(stream: string): Promise<string> {
    return this.#ask("info", [stream]) as Promise<string>;
  }

  async resumed(formerSid: string, sid: string): Promise<void> {
    await this.#ask("resumed", [formerSid, sid]);
  }

  async disconnected(sid: string): Promise<void> {
    await this.#ask("disconnected", [sid]);
  }

  size(): PresenceSize {
    return { streams: 0, sessions: 0 };
  }

  /** The control thread's engine tells of those. */
  onExpired(): void {}
}
