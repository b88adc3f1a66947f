import type { SessionSnapshot, Sessions } from "@hawser/core/broker/sessions";
import type { Clock } from "@hawser/core/clock";
import type { JetStream } from "../../drivers/nats/jet-stream.ts";
import { type KeyValue, KeyValues } from "../../drivers/nats/key-values.ts";
import { encodeName } from "../../drivers/nats/names.ts";

const BUCKET = "hawser_sessions";
/**
 * By so much a value outlives its session. What removes sessions is kept as long as they are, and has to be there still when
 * one that was renewed at the same moment ends.
 */
const SLACK_MS = 15_000;
/** Sessions that are looked at together when all are. */
const AT_A_TIME = 64;

/** A session as it is kept. */
interface Kept {
  readonly sid: string;
  readonly snapshot: SessionSnapshot;
  /** The revision as which it was saved, where it was renewed since; else 0. */
  readonly since: number;
}

interface Found {
  readonly revision: number;
  readonly kept: Kept;
}

export interface NatsSessionsParts {
  readonly jetStream: JetStream;
  readonly clock: Clock;
  /** By the clock of NATS. */
  readonly time: Pick<Clock, "nowMs">;
}

/**
 * Sessions in a bucket of NATS. Those of one identity are removed by a mark in the same bucket: revisions count through all
 * keys, so that a session is gone when its mark has a later one than it was saved with. There is no list of an identity's
 * sessions that could be behind.
 */
export class NatsSessions implements Sessions {
  readonly isShared = true;
  readonly #time: Pick<Clock, "nowMs">;
  readonly #ttlMs: number;
  readonly #bucket: KeyValues;
  /** What was said of a session last and NATS has not answered yet: who asks afterwards is to be told of it. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(ttlMs: number, { jetStream, clock, time }: NatsSessionsParts) {
    this.#time = time;
    this.#ttlMs = ttlMs;
    this.#bucket = new KeyValues(jetStream, clock, { bucket: BUCKET, ttlMs: ttlMs + SLACK_MS });
  }

  async save(sid: string, snapshot: SessionSnapshot): Promise<void> {
    await this.#follow(
      sid,
      this.#bucket.put(keyOf(sid), JSON.stringify({ sid, snapshot, since: 0 } satisfies Kept)),
    );
  }

  async find(sid: string): Promise<SessionSnapshot | null> {
    return (await this.#find(sid))?.kept.snapshot ?? null;
  }

  async renew(sid: string): Promise<void> {
    const found = await this.#find(sid);
    if (found === null) return;
    const { revision, kept } = found;
    const renewed: Kept = { ...kept, since: savedAs(found) };
    // Where it was saved anew meanwhile, or removed, that counts.
    await this.#bucket.put(keyOf(sid), JSON.stringify(renewed), revision);
  }

  async remove(sid: string): Promise<void> {
    await this.#follow(sid, this.#bucket.delete(keyOf(sid)));
  }

  async removeOf(identifiers: string, lineage?: string): Promise<void> {
    await this.#bucket.put(markOf(identifiers, lineage ?? null), "");
  }

  async removeWhere(matches: (sid: string, snapshot: SessionSnapshot) => boolean): Promise<void> {
    const keys = await this.#bucket.keys("s.*");
    for (let from = 0; from < keys.length; from += AT_A_TIME) {
      await Promise.all(keys.slice(from, from + AT_A_TIME).map((key) => this.#removeIf(key, matches)));
    }
  }

  /** Resolves once NATS has what it was told of sessions, such as those that a server saves as it goes down. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
  }

  async #removeIf(key: string, matches: (sid: string, snapshot: SessionSnapshot) => boolean): Promise<void> {
    const found = await this.#bucket.get(key);
    if (found === null) return;
    const { sid, snapshot } = keptIn(found);
    if (matches(sid, snapshot)) await this.#bucket.delete(key);
  }

  async #find(sid: string): Promise<Found | null> {
    await this.#underWay.get(sid)?.catch(() => {});
    const value = await this.#bucket.get(keyOf(sid));
    if (value === null || value.atMs + this.#ttlMs <= this.#time.nowMs()) return null;
    const found: Found = { revision: value.revision, kept: keptIn(value) };
    const { identifiers, lineage } = found.kept.snapshot;
    const marks = await Promise.all([
      this.#bucket.get(markOf(identifiers, null)),
      this.#bucket.get(markOf(identifiers, lineage)),
    ]);
    const isRemoved = marks.some((mark) => mark !== null && mark.revision > savedAs(found));
    return isRemoved ? null : found;
  }

  async #follow(sid: string, doing: Promise<unknown>): Promise<void> {
    this.#underWay.set(sid, doing);
    try {
      await doing;
    } finally {
      if (this.#underWay.get(sid) === doing) this.#underWay.delete(sid);
    }
  }
}

const keyOf = (sid: string): string => `s.${encodeName(sid)}`;

const markOf = (identifiers: string, lineage: string | null): string =>
  lineage === null
    ? `i.${encodeName(identifiers)}`
    : `l.${encodeName(JSON.stringify([identifiers, lineage]))}`;

const savedAs = ({ revision, kept }: Found): number => (kept.since === 0 ? revision : kept.since);

/** Nobody else writes there. */
const keptIn = ({ text }: KeyValue): Kept => JSON.parse(text) as Kept;
