import type { Broker } from "../broker/broker.ts";
import type { History } from "../broker/history.ts";
import { MemoryHistory } from "../broker/memory-history.ts";
import { MemorySessions } from "../broker/memory-sessions.ts";
import type { Sessions } from "../broker/sessions.ts";
import type { FromNodes, PubSub } from "../engine/pub-sub.ts";
import type { Publication } from "../protocol/publication.ts";
import { streamMessage } from "../protocol/stream-message.ts";
import type { ManualClock } from "./manual-clock.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A connection to the broker: each direction keeps its order, and moves when a test says so. */
export class BrokerLine {
  readonly toBroker: (() => void)[] = [];
  readonly fromBroker: (() => void)[] = [];
  readonly #unanswered = new Set<(fault: Error) => void>();

  ask<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#unanswered.add(reject);
      this.toBroker.push(() => {
        const answer = work();
        this.fromBroker.push(() => {
          this.#unanswered.delete(reject);
          resolve(answer);
        });
      });
    });
  }

  /** What is under way is lost in both directions. */
  cut(): void {
    this.toBroker.length = 0;
    this.fromBroker.length = 0;
    for (const reject of this.#unanswered) reject(new Error("the connection was lost"));
    this.#unanswered.clear();
  }
}

/** What several engines share: a store of history and sessions, and channels between them. */
export class SharedBroker {
  readonly kept: MemoryHistory;
  readonly sessions: MemorySessions;
  readonly nodes: SharedNode[] = [];
  readonly subscribers = new Map<string, Set<SharedNode>>();

  constructor(clock: ManualClock, { limit = 1000, ttlMs = 300_000, sessionsTtlMs = 300_000 } = {}) {
    this.kept = new MemoryHistory({ limit, ttlMs }, clock, new SeededRandom(1));
    this.sessions = new MemorySessions({ clock, ttlMs: sessionsTtlMs });
  }

  join(): SharedNode {
    const node = new SharedNode(this);
    this.nodes.push(node);
    return node;
  }

  /** Gives the text to whoever is subscribed at this moment. */
  say(channel: string, text: string, stream: string | null): void {
    for (const node of this.subscribers.get(channel) ?? []) {
      node.bus.fromBroker.push(() => node.engine?.deliver(text, stream));
    }
  }
}

const COMMANDS = "commands";

/** The shared broker as one engine knows it. */
export class SharedNode implements PubSub {
  readonly bus = new BrokerLine();
  readonly store = new BrokerLine();
  readonly broker: Broker;
  isUp = false;
  engine: FromNodes | null = null;
  readonly #shared: SharedBroker;
  readonly #followed = new Set<string>();
  readonly #unsure = new Map<string, { readonly sure: Promise<void>; readonly resolve: () => void }>();

  constructor(shared: SharedBroker) {
    this.#shared = shared;
    this.broker = { history: this.#history(), sessions: this.#sessions(), presence: null, close: () => {} };
  }

  start(engine: FromNodes): void {
    this.engine = engine;
    engine.parted();
    this.connect();
  }

  /** Begins to follow again all that is followed. */
  connect(): void {
    this.isUp = true;
    const streams = [COMMANDS, ...this.#followed];
    const heard = Promise.all(streams.map((stream) => this.#subscribe(stream)));
    heard.then(
      () => this.engine?.rejoined(),
      () => {},
    );
  }

  /** The connection between the nodes is lost. */
  part(): void {
    this.isUp = false;
    this.#leaveAll();
    this.bus.cut();
    for (const { resolve } of this.#unsure.values()) resolve();
    this.#unsure.clear();
    this.engine?.parted();
  }

  /** The process is gone: nothing of it happens any more. */
  die(): void {
    this.engine = null;
    this.isUp = false;
    this.#leaveAll();
    this.bus.cut();
    this.store.cut();
  }

  publish(stream: string, text: string): void {
    if (this.isUp) this.bus.toBroker.push(() => this.#shared.say(stream, text, stream));
  }

  command(text: string): void {
    if (this.isUp) this.bus.toBroker.push(() => this.#shared.say(COMMANDS, text, null));
  }

  follow(stream: string): void {
    this.#followed.add(stream);
    if (this.isUp) this.#subscribe(stream).catch(() => {});
  }

  unfollow(stream: string): void {
    this.#followed.delete(stream);
    this.#unsure.get(stream)?.resolve();
    this.#unsure.delete(stream);
    this.bus.toBroker.push(() => this.#shared.subscribers.get(stream)?.delete(this));
  }

  following(stream: string): Promise<void> | null {
    return this.#unsure.get(stream)?.sure ?? null;
  }

  settled(): Promise<boolean> {
    return Promise.resolve(this.isUp);
  }

  #subscribe(stream: string): Promise<void> {
    const { promise: sure, resolve } = Promise.withResolvers<void>();
    const unsure = { sure, resolve };
    this.#unsure.set(stream, unsure);
    const { subscribers } = this.#shared;
    const heard = this.bus.ask(() => {
      subscribers.set(stream, (subscribers.get(stream) ?? new Set()).add(this));
    });
    return heard.then(() => {
      if (this.#unsure.get(stream) === unsure) this.#unsure.delete(stream);
      resolve();
    });
  }

  #leaveAll(): void {
    for (const nodes of this.#shared.subscribers.values()) nodes.delete(this);
  }

  #history(): History {
    const { kept } = this.#shared;
    return {
      publish: (publication: Publication) =>
        this.store.ask(() => {
          const { stream, message } = publication;
          this.#shared.say(stream, streamMessage(publication, kept.append(stream, message)), stream);
        }),
      append: (stream, message) => this.store.ask(() => kept.append(stream, message)),
      after: (stream, position) => this.store.ask(() => kept.after(stream, position)),
      since: (stream, sinceS) => this.store.ask(() => kept.since(stream, sinceS)),
      head: (stream) => this.store.ask(() => kept.head(stream)),
      size: () => kept.size(),
    };
  }

  #sessions(): Sessions {
    const { sessions } = this.#shared;
    return {
      isShared: true,
      save: (sid, snapshot) => this.store.ask(() => sessions.save(sid, snapshot)),
      find: (sid) => this.store.ask(() => sessions.find(sid)),
      renew: (sid) => this.store.ask(() => sessions.renew(sid)),
      remove: (sid) => this.store.ask(() => sessions.remove(sid)),
      removeOf: (identifiers, lineage) => this.store.ask(() => sessions.removeOf(identifiers, lineage)),
      removeWhere: (matches) => this.store.ask(() => sessions.removeWhere(matches)),
    };
  }
}

/** Lets all that is under way arrive, and what follows from it. */
export async function calm(nodes: readonly SharedNode[]): Promise<void> {
  for (let idle = 0; idle < 3; ) {
    let moved = false;
    for (const { bus, store } of nodes) {
      for (const queue of [bus.toBroker, bus.fromBroker, store.toBroker, store.fromBroker]) {
        for (const step of queue.splice(0)) {
          step();
          moved = true;
        }
      }
    }
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    idle = moved ? 0 : idle + 1;
  }
}
