import type { Cancel, Clock } from "../clock.ts";
import { marksOfAll } from "../jwt/revocation/token-marks.ts";
import { LIMITS } from "../limits.ts";
import type { SessionSnapshot, Sessions } from "./sessions.ts";

export interface MemorySessionsOptions {
  readonly clock: Clock;
  readonly ttlMs: number;
  /** What all of them may weigh; past it the oldest go. */
  readonly maxBytes?: number;
}

interface Entry {
  readonly sid: string;
  readonly snapshot: SessionSnapshot;
  readonly deadlineMs: number;
  readonly bytes: number;
  /** Others of the same identifiers. */
  next: Entry | null;
  previous: Entry | null;
}

/** How often expired sessions are looked for, and how many may go at a time: a crowd that left at once expires at once. */
const SWEEP_MS = 50;
const MAX_EXPIRED_PER_SWEEP = 1000;

/**
 * Sessions in this process's memory. All live equally long, so the order of saving is the order of expiry: a sweep looks
 * at the oldest and stops at the first that lives.
 */
export class MemorySessions implements Sessions {
  readonly isShared = false;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxBytes: number;
  #bytes = 0;
  /** In the order of their deadlines. */
  readonly #entries = new Map<string, Entry>();
  /** The first of each chain. */
  readonly #byIdentifiers = new Map<string, Entry>();
  readonly #stop: Cancel;

  constructor({ clock, ttlMs, maxBytes = LIMITS.maxCachedSessionBytes }: MemorySessionsOptions) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxBytes = maxBytes;
    this.#stop = clock.every(SWEEP_MS, () => this.#sweep());
  }

  get size(): number {
    return this.#entries.size;
  }

  save(sid: string, snapshot: SessionSnapshot): void {
    this.remove(sid);
    const next = this.#byIdentifiers.get(snapshot.identifiers) ?? null;
    const deadlineMs = this.#clock.monotonicMs() + this.#ttlMs;
    const entry: Entry = { sid, snapshot, deadlineMs, bytes: weightOf(snapshot), next, previous: null };
    if (next !== null) next.previous = entry;
    this.#byIdentifiers.set(snapshot.identifiers, entry);
    this.#entries.set(sid, entry);
    this.#bytes += entry.bytes;
    for (const oldest of this.#entries.values()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  find(sid: string): SessionSnapshot | null {
    const entry = this.#entries.get(sid);
    return entry === undefined || entry.deadlineMs <= this.#clock.monotonicMs() ? null : entry.snapshot;
  }

  renew(sid: string): void {
    const entry = this.#entries.get(sid);
    if (entry !== undefined && entry.deadlineMs > this.#clock.monotonicMs()) this.save(sid, entry.snapshot);
  }

  remove(sid: string): void {
    const entry = this.#entries.get(sid);
    if (entry !== undefined) this.#drop(entry);
  }

  removeOf(identifiers: string, lineage?: string): void {
    for (let entry = this.#byIdentifiers.get(identifiers) ?? null; entry !== null; entry = entry.next) {
      if (lineage === undefined || entry.snapshot.lineage === lineage) this.#drop(entry);
    }
  }

  removeWhere(matches: (sid: string, snapshot: SessionSnapshot) => boolean): void {
    for (const entry of this.#entries.values()) {
      if (matches(entry.sid, entry.snapshot)) this.#drop(entry);
    }
  }

  /** Ends the sweeping; what is kept can still be found. */
  close(): void {
    this.#stop();
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    let left = MAX_EXPIRED_PER_SWEEP;
    for (const entry of this.#entries.values()) {
      if (entry.deadlineMs > nowMs || left === 0) return;
      this.#drop(entry);
      left -= 1;
    }
  }

  #drop(entry: Entry): void {
    const { bytes, next, previous, sid, snapshot } = entry;
    this.#entries.delete(sid);
    this.#bytes -= bytes;
    if (next !== null) next.previous = previous;
    if (previous !== null) previous.next = next;
    else if (next !== null) this.#byIdentifiers.set(snapshot.identifiers, next);
    else this.#byIdentifiers.delete(snapshot.identifiers);
  }
}

/** About what it takes once its session is gone (bench/session-memory.ts). */
function weightOf({ identifiers, marks, subscriptions }: SessionSnapshot): number {
  let bytes = 1300 + identifiers.length;
  for (const { jti, sid } of marks === null ? [] : marksOfAll(marks)) {
    bytes += 100 + (jti?.length ?? 0) + (sid?.length ?? 0);
  }
  for (const { identifier, streams } of subscriptions) {
    bytes += 250 + identifier.length;
    for (const stream of streams) bytes += 50 + stream.length;
  }
  return bytes;
}
