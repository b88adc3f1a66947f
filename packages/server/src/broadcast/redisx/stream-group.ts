import { messageOf } from "@hawser/core/errors";
import type { RedisCommands } from "../../drivers/redis/redis-connection.ts";

/** An entry of the stream. `payload` is null where it has no such field, or was deleted meanwhile. */
export interface StreamEntry {
  readonly id: string;
  readonly payload: string | null;
}

export interface GroupNames {
  readonly stream: string;
  readonly group: string;
  /** Of this server, since its start. */
  readonly consumer: string;
}

/** Consumers of ours, to tell them from the reference's: of one of those it is not known whether it still lives. */
export const OUR_CONSUMERS = "hawser-";

/** Entries at a time: as many as are soon delivered. */
const CHUNK = 250;

/** The field of an entry that holds the publication (anycable-rb lib/anycable/broadcast_adapters/redisx.rb). */
const PAYLOAD = "payload";

const TAKE_LEASE = `
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 1`;

const GIVE_LEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
return 0`;

/**
 * A consumer group of a stream, as the reference has it (anycable redis/streamer.go@1.6.16), and beside it a lease: which of
 * our servers reads. Several would take turns at random, and then nobody could keep the order.
 */
export class StreamGroup {
  readonly #commands: RedisCommands;
  readonly #names: GroupNames;
  readonly #lease: string;

  constructor(commands: RedisCommands, names: GroupNames) {
    this.#commands = commands;
    this.#names = names;
    this.#lease = `${names.stream}:${names.group}:reader`;
  }

  /** What is in the stream before the group is made is for nobody. */
  async create(): Promise<void> {
    const { stream, group } = this.#names;
    try {
      await this.#commands.xgroup("CREATE", stream, group, "$", "MKSTREAM");
    } catch (thrown) {
      if (!messageOf(thrown).startsWith("BUSYGROUP")) throw thrown;
    }
  }

  /** Takes the lease, or keeps it for this long from now. False when another server has it. */
  async takeLease(forMs: number): Promise<boolean> {
    const { consumer } = this.#names;
    return (await this.#commands.eval(TAKE_LEASE, 1, this.#lease, consumer, forMs)) === 1;
  }

  async giveLease(): Promise<void> {
    await this.#commands.eval(GIVE_LEASE, 1, this.#lease, this.#names.consumer);
  }

  /** New entries; waits for some for `blockMs`. */
  async readNew(blockMs: number): Promise<readonly StreamEntry[]> {
    const { stream, group, consumer } = this.#names;
    return entriesOf(
      await this.#commands.xreadgroup(
        "GROUP",
        group,
        consumer,
        "COUNT",
        CHUNK,
        "BLOCK",
        blockMs,
        "STREAMS",
        stream,
        ">",
      ),
    );
  }

  /** Entries that this consumer has and has not acknowledged, from the oldest on. */
  async readOwn(): Promise<readonly StreamEntry[]> {
    const { stream, group, consumer } = this.#names;
    return entriesOf(
      await this.#commands.xreadgroup("GROUP", group, consumer, "COUNT", CHUNK, "STREAMS", stream, "0"),
    );
  }

  /**
   * Takes over what others left: of our servers everything, since only this one reads; of the reference's what was left alone
   * for `idleMs`.
   */
  async takeOver(idleMs: number): Promise<void> {
    const { stream, group, consumer } = this.#names;
    for (let start = "-"; ; ) {
      const pending = pendingOf(await this.#commands.xpending(stream, group, start, "+", CHUNK));
      const ours = pending.filter(
        (entry) => entry.consumer !== consumer && entry.consumer.startsWith(OUR_CONSUMERS),
      );
      const ids = ours.map(({ id }) => id);
      if (ids.length > 0) await this.#commands.xclaim(stream, group, consumer, 0, ...ids, "JUSTID");
      const last = pending.at(-1);
      if (last === undefined || pending.length < CHUNK) break;
      start = `(${last.id}`;
    }
    for (let cursor = "0-0"; ; ) {
      const answer: unknown = await this.#commands.xautoclaim(
        ...([stream, group, consumer, idleMs, cursor, "COUNT", CHUNK, "JUSTID"] as const),
      );
      cursor = Array.isArray(answer) ? String(answer[0]) : "0-0";
      if (cursor === "0-0") break;
    }
  }

  /** Acknowledges entries, and deletes them: a stream that the group has read is empty. */
  async finish(ids: readonly string[]): Promise<void> {
    const { stream, group } = this.#names;
    await Promise.all([this.#commands.xack(stream, group, ...ids), this.#commands.xdel(stream, ...ids)]);
  }

  /** Takes this consumer out of the group, unless it has entries: those another one has to find. */
  async leave(): Promise<void> {
    const { stream, group, consumer } = this.#names;
    await this.giveLease();
    const left = pendingOf(await this.#commands.xpending(stream, group, "-", "+", 1, consumer));
    if (left.length === 0) await this.#commands.xgroup("DELCONSUMER", stream, group, consumer);
  }
}

function entriesOf(reply: unknown): readonly StreamEntry[] {
  // [[stream, [[id, [name, value, ...]], ...]]], or null for none.
  const [[, entries] = []] = asList(reply).map(asList);
  return asList(entries).map((entry) => {
    const [id, fields] = asList(entry);
    const pairs = asList(fields);
    const at = pairs.findIndex((name, index) => index % 2 === 0 && name === PAYLOAD);
    const payload = at < 0 ? null : pairs[at + 1];
    return { id: String(id), payload: typeof payload === "string" ? payload : null };
  });
}

function pendingOf(reply: unknown): readonly { readonly id: string; readonly consumer: string }[] {
  return asList(reply).map((entry) => {
    const [id, consumer] = asList(entry);
    return { id: String(id), consumer: String(consumer) };
  });
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
