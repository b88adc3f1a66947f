import type { Cancel, Clock } from "@hawser/core/clock";
import type { KV } from "@nats-io/kv";
import {
  asFault,
  isBeingMade,
  isNobodyThere,
  isUnknownMessage,
  type JetStream,
  type StoreHeaders,
  timedOut,
} from "./jet-stream.ts";

export interface KeyValuesSettings {
  readonly bucket: string;
  /** How long a value is there after it was put; 0 for ever. */
  readonly ttlMs: number;
}

/** A value and when it was put there, by the clock of NATS. Revisions count up through all keys of a bucket. */
export interface KeyValue {
  readonly text: string;
  readonly revision: number;
  readonly atMs: number;
}

/** What became of a key. */
export interface KeyChange extends KeyValue {
  readonly key: string;
  /** The key is gone. */
  readonly isGone: boolean;
}

/** Changes that are being told. */
export interface KeyWatch {
  /** What was told by now is at least all up to this revision. */
  readonly upTo: number;
  /** Resolves when no more is told: it was stopped, or something is wrong. */
  readonly ended: Promise<void>;
  stop(): void;
}

const NANOS_PER_MS = 1_000_000;
const SHORT_WINDOW_MS = 1_000;
/** A bucket that another server is making is there a moment later. */
const MOST_TRIES_TO_MAKE = 5;
const BETWEEN_TRIES_MS = 100;
/** How long the names of all keys may take, or all that they have. */
const KEYS_TIMEOUT_MS = 30_000;

/** Keys and values in a bucket of JetStream, which is made when it is first used. */
export class KeyValues {
  readonly #jetStream: JetStream;
  readonly #clock: Clock;
  readonly #settings: KeyValuesSettings;
  readonly #subject: string;
  readonly #stream: string;
  #opened: Promise<KV> | null = null;

  constructor(jetStream: JetStream, clock: Clock, settings: KeyValuesSettings) {
    this.#jetStream = jetStream;
    this.#clock = clock;
    this.#settings = settings;
    this.#subject = `$KV.${settings.bucket}.`;
    this.#stream = `KV_${settings.bucket}`;
    jetStream.whenReady(() => {
      this.#opened = null;
    });
  }

  /**
   * Puts a value.
   *
   * @param expected the revision that is to be replaced; 0 for a key that is to be new, null for any.
   * @returns its revision; null when another one than `expected` was there.
   */
  async put(key: string, text: string, expected: number | null = null): Promise<number | null> {
    const headers = expected === null ? null : { "Nats-Expected-Last-Subject-Sequence": String(expected) };
    return this.#store(key, text, headers);
  }

  /** The value; null where there is none. */
  async get(key: string): Promise<KeyValue | null> {
    const found = await this.look(key);
    return found === null || found.isGone ? null : found;
  }

  /** The same with what is left of a key that was deleted: its revision. */
  async look(key: string): Promise<KeyChange | null> {
    await this.#open();
    try {
      const found = await this.#jetStream.message(this.#stream, { last_by_subj: this.#subject + key });
      if (found === null) return null;
      const isGone = found.header.get("KV-Operation") !== "";
      return { key, text: found.string(), revision: found.seq, atMs: found.time.getTime(), isGone };
    } catch (thrown) {
      if (isNobodyThere(thrown)) this.#opened = null;
      throw asFault("read a key from JetStream", thrown);
    }
  }

  /**
   * @param expected the revision that is to go; null for any.
   * @returns the revision of its being gone; null when another one than `expected` was there.
   */
  async delete(key: string, expected: number | null = null): Promise<number | null> {
    const which = expected === null ? {} : { "Nats-Expected-Last-Subject-Sequence": String(expected) };
    return this.#store(key, "", { "KV-Operation": "DEL", ...which });
  }

  /** The names of all keys that match, which may be many. */
  async keys(filter: string): Promise<string[]> {
    const bucket = await this.#open();
    try {
      const names: string[] = [];
      const found = await bucket.keys(filter);
      let isLate = false;
      const cancel = this.#clock.after(KEYS_TIMEOUT_MS, () => {
        isLate = true;
        found.stop();
      });
      for await (const name of found) names.push(name);
      cancel();
      if (isLate) throw timedOut("read the names of keys from JetStream");
      return names;
    } catch (thrown) {
      throw asFault("read the names of keys from JetStream", thrown);
    }
  }

  /** The revision of the last change, that of a key which is gone included. */
  async revision(): Promise<number> {
    await this.#open();
    try {
      return (await this.#jetStream.manager.streams.info(this.#stream)).state.last_seq;
    } catch (thrown) {
      throw asFault("ask JetStream for its last revision", thrown);
    }
  }

  /** Forgets that a key was there, which would be known for ever where values have no end. */
  async forget(revision: number): Promise<void> {
    await this.#open();
    try {
      await this.#jetStream.manager.streams.deleteMessage(this.#stream, revision, false);
    } catch (thrown) {
      // Somebody else forgot it, or the key is there again.
      if (!isUnknownMessage(thrown)) throw asFault("delete a message of JetStream", thrown);
    }
  }

  /** Tells of all keys, those that are gone included, and from then on of each change. Resolves when all keys are told. */
  async watch(onChange: (change: KeyChange) => void): Promise<KeyWatch> {
    const bucket = await this.#open();
    try {
      const { state } = await this.#jetStream.manager.streams.info(this.#stream);
      const entries = await bucket.watch();
      let onAll: () => void = () => {};
      const all = new Promise<void>((resolve) => {
        onAll = resolve;
      });
      const tell = async (): Promise<void> => {
        for await (const entry of entries) {
          const isGone = entry.operation !== "PUT";
          const { key, revision, created } = entry;
          onChange({ key, revision, isGone, text: entry.string(), atMs: created.getTime() });
          if (entry.delta === 0) onAll();
        }
      };
      const ended = tell().catch(() => {});
      if (state.messages > 0) {
        await this.#inTime(Promise.race([all, ended])).catch((thrown: unknown) => {
          entries.stop();
          throw thrown;
        });
      }
      return { upTo: state.last_seq, ended, stop: () => entries.stop() };
    } catch (thrown) {
      throw asFault("watch keys in JetStream", thrown);
    }
  }

  async #store(key: string, text: string, headers: StoreHeaders | null): Promise<number | null> {
    await this.#open();
    let stored = await this.#jetStream.store(this.#subject + key, text, headers);
    if (stored === "nowhere") {
      // Somebody deleted the bucket.
      this.#opened = null;
      await this.#open();
      stored = await this.#jetStream.store(this.#subject + key, text, headers);
    }
    if (stored === "nowhere") throw asFault("store a key in JetStream", new Error("its bucket is gone"));
    return stored === "changed" ? null : stored;
  }

  async #inTime(done: Promise<void>): Promise<void> {
    let cancel: Cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(KEYS_TIMEOUT_MS, () => reject(timedOut("watch keys in JetStream")));
    });
    await Promise.race([done, late]).finally(() => cancel());
  }

  /** Every call waits for it; in the same tick where the bucket is open. */
  #open(): Promise<KV> {
    if (this.#opened !== null) return this.#opened;
    const opened = this.#make();
    this.#opened = opened;
    opened.catch(() => {
      if (this.#opened === opened) this.#opened = null;
    });
    return opened;
  }

  async #make(): Promise<KV> {
    await this.#jetStream.ready();
    const { bucket, ttlMs } = this.#settings;
    try {
      const { Kvm } = await import("@nats-io/kv");
      const { replicas } = this.#jetStream;
      const places = { replicas, allow_direct: replicas === 1 };
      const kvm = new Kvm(this.#jetStream.client);
      const made = await this.#makeWith(() =>
        kvm.create(bucket, ttlMs === 0 ? places : { ...places, ttl: ttlMs }),
      );
      const status = await made.status();
      if (status.ttl !== ttlMs || status.replicas !== replicas) {
        await this.#jetStream.manager.streams.update(this.#stream, {
          num_replicas: replicas,
          allow_direct: replicas === 1,
          max_age: ttlMs * NANOS_PER_MS,
          duplicate_window: Math.min(ttlMs === 0 ? SHORT_WINDOW_MS : ttlMs, SHORT_WINDOW_MS) * NANOS_PER_MS,
        });
      }
      return made;
    } catch (thrown) {
      throw asFault(`open the bucket ${bucket} of JetStream`, thrown);
    }
  }

  async #makeWith(create: () => Promise<KV>): Promise<KV> {
    for (let tries = 1; ; tries++) {
      try {
        return await create();
      } catch (thrown) {
        if (!isBeingMade(thrown) || tries === MOST_TRIES_TO_MAKE) throw thrown;
        await new Promise<void>((resolve) => this.#clock.after(BETWEEN_TRIES_MS, resolve));
      }
    }
  }
}
