import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { presenceRecord } from "@hawser/core/protocol/presence-texts";
import type { JetStream } from "../../drivers/nats/jet-stream.ts";
import { KeyValues, type KeyWatch } from "../../drivers/nats/key-values.ts";
import {
  attendanceKey,
  type KeptAttendance,
  type KeptMember,
  type KeptPlace,
  memberKey,
} from "./presence-keys.ts";
import { PresenceView } from "./presence-view.ts";
import { SharedLooks } from "./shared-looks.ts";

export interface PresenceStoreParts {
  readonly jetStream: JetStream;
  readonly clock: Clock;
  /** By the clock of NATS. */
  readonly time: Pick<Clock, "nowMs">;
  readonly log: Log;
}

const BUCKET = "hawser_presence";
/** Others may change a member at the same time; each of them gets on, so that so many times are enough. */
const MAX_TRIES = 200;
/** How long a look waits for what had happened before it. */
const CATCH_UP_MS = 3_000;
const BETWEEN_LOOKS_MS = 5;
const WATCH_AGAIN_MS = 1_000;
/** How long it is known that a key was there: who hears of its end later than that begins anew. */
const GONE_FOR_MS = 60_000;
const FORGET_EVERY_MS = 1_000;
const FORGOTTEN_AT_A_TIME = 200;

/** Who is on which stream, in a bucket of NATS: a key for each id on each stream, and one for each session. */
export class PresenceStore {
  readonly #bucket: KeyValues;
  readonly #parts: PresenceStoreParts;
  readonly #onLoaded: (() => void)[] = [];
  readonly #looks = new SharedLooks<void>();
  readonly #stopForgetting: Cancel;
  /** Revisions of keys that are gone, the earliest first. */
  #gone: { readonly revision: number; readonly atMs: number }[] = [];
  #view = new PresenceView();
  #watch: KeyWatch | null = null;
  #loading: Promise<void> | null = null;
  #stopped = false;

  constructor(parts: PresenceStoreParts) {
    this.#parts = parts;
    const { jetStream, clock } = parts;
    this.#bucket = new KeyValues(jetStream, clock, { bucket: BUCKET, ttlMs: 0 });
    jetStream.whenReady(() => void this.reload());
    this.#stopForgetting = clock.every(FORGET_EVERY_MS, () => void this.#forget());
  }

  get view(): PresenceView {
    return this.#view;
  }

  /** Called each time that the view was made anew. */
  whenLoaded(listener: () => void): void {
    this.#onLoaded.push(listener);
  }

  /** Resolves when the view has all that had happened before. */
  caughtUp(): Promise<void> {
    return this.#looks.ask("", () => this.#catchUp());
  }

  /** Keeps where a session is. @param expected the revision that it replaces; null for any. */
  async putAttendance(kept: KeptAttendance, expected: number | null = null): Promise<boolean> {
    const key = attendanceKey(kept.sid);
    return (await this.#put(key, kept, expected)) !== null;
  }

  async attendance(sid: string): Promise<KeptAttendance | null> {
    const found = await this.#bucket.get(attendanceKey(sid));
    return found === null ? null : (JSON.parse(found.text) as KeptAttendance); // nobody but servers writes there
  }

  async removeAttendance(sid: string): Promise<void> {
    const key = attendanceKey(sid);
    await this.#delete(key, null);
  }

  /** Puts a session under an id. @returns whether the id is new on the stream. */
  async enter(sid: string, { stream, id, info }: KeptPlace): Promise<boolean> {
    const record = presenceRecord(id, info);
    return this.#change(memberKey(stream, id), (member) => {
      const sids = member?.sids ?? [];
      const next = { stream, id, record, sids: sids.includes(sid) ? sids : [...sids, sid] };
      return { next, result: sids.length === 0 };
    });
  }

  /** The same beside a session that is there; where that is gone, nothing is done. */
  async enterBeside(formerSid: string, sid: string, { stream, id }: KeptPlace): Promise<boolean> {
    return this.#change(memberKey(stream, id), (member) => {
      if (member === null || !member.sids.includes(formerSid)) return { next: member, result: false };
      if (member.sids.includes(sid)) return { next: member, result: true };
      return { next: { ...member, sids: [...member.sids, sid] }, result: true };
    });
  }

  /** Takes a session from under an id. @returns whether it was the last one. */
  async exit(sid: string, { stream, id }: Pick<KeptPlace, "stream" | "id">): Promise<boolean> {
    return this.#change(memberKey(stream, id), (member) => {
      if (member === null || !member.sids.includes(sid)) return { next: member, result: false };
      const sids = member.sids.filter((other) => other !== sid);
      return sids.length === 0 ? { next: null, result: true } : { next: { ...member, sids }, result: false };
    });
  }

  /** Makes the view anew. Never rejects: it is tried again. */
  reload(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  stop(): void {
    this.#stopped = true;
    this.#stopForgetting();
    this.#watch?.stop();
  }

  /** Changes a member as it is at that moment, whoever else changes it. `next` is the same for no change, null for none. */
  async #change<T>(
    key: string,
    change: (member: KeptMember | null) => { readonly next: KeptMember | null; readonly result: T },
  ): Promise<T> {
    const seen = this.#view.member(key);
    let member = seen?.kept ?? null;
    let revision = seen?.revision ?? 0;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { next, result } = change(member);
      // What is seen may be old: where nothing is to be changed, that has to be so.
      if (next === member && tries > 0) return result;
      if (next !== member) {
        const written =
          next === null ? await this.#delete(key, revision) : await this.#put(key, next, revision);
        if (written !== null) return result;
      }
      const found = await this.#bucket.look(key);
      revision = found?.revision ?? 0;
      member = found === null || found.isGone ? null : (JSON.parse(found.text) as KeptMember);
    }
    throw new CableError("io_failed", "keep presence in NATS: too many change the same member; try again", {
      retryable: true,
    });
  }

  async #put(
    key: string,
    kept: KeptMember | KeptAttendance,
    expected: number | null,
  ): Promise<number | null> {
    const text = JSON.stringify(kept);
    const revision = await this.#bucket.put(key, text, expected);
    if (revision !== null) this.#view.changed({ key, text, revision, isGone: false });
    return revision;
  }

  async #delete(key: string, expected: number | null): Promise<number | null> {
    const revision = await this.#bucket.delete(key, expected);
    if (revision === null) return null;
    this.#view.changed({ key, text: "", revision, isGone: true });
    this.#gone.push({ revision, atMs: this.#parts.time.nowMs() });
    return revision;
  }

  async #catchUp(): Promise<void> {
    const { clock } = this.#parts;
    await this.#loaded();
    const revision = await this.#bucket.revision();
    const untilMs = clock.monotonicMs() + CATCH_UP_MS;
    while (this.#view.upTo < revision) {
      if (clock.monotonicMs() > untilMs) {
        void this.reload();
        throw new CableError("io_failed", "look who is there: NATS is behind with telling; try again", {
          retryable: true,
        });
      }
      await new Promise<void>((resolve) => clock.after(BETWEEN_LOOKS_MS, resolve));
    }
  }

  async #loaded(): Promise<void> {
    await this.#parts.jetStream.ready();
    await (this.#loading ?? (this.#watch === null ? this.reload() : null));
  }

  async #load(): Promise<void> {
    const { clock, jetStream, log, time } = this.#parts;
    this.#watch?.stop();
    this.#watch = null;
    const view = new PresenceView();
    const oldMs = time.nowMs() - GONE_FOR_MS;
    try {
      const watch = await this.#bucket.watch((change) => {
        view.heard(change);
        // What a server that died has left; whoever made it otherwise forgets it.
        if (change.isGone && change.atMs < oldMs) {
          this.#gone.push({ revision: change.revision, atMs: change.atMs });
        }
      });
      if (this.#stopped) return watch.stop();
      view.heardUpTo(watch.upTo);
      this.#view = view;
      this.#watch = watch;
      void watch.ended.then(() => {
        if (this.#watch === watch && !this.#stopped && jetStream.isReady) void this.reload();
      });
      for (const listener of this.#onLoaded) listener();
    } catch (thrown) {
      if (this.#stopped) return;
      log.warn("presence cannot be read; trying again", { error: messageOf(thrown) });
      clock.after(WATCH_AGAIN_MS, () => {
        if (this.#watch === null && !this.#stopped && jetStream.isReady) void this.reload();
      });
    }
  }

  async #forget(): Promise<void> {
    if (!this.#parts.jetStream.isReady) return;
    const dueMs = this.#parts.time.nowMs() - GONE_FOR_MS;
    const due = this.#gone.findIndex(({ atMs }) => atMs > dueMs);
    const count = Math.min(FORGOTTEN_AT_A_TIME, due < 0 ? this.#gone.length : due);
    const some = this.#gone.splice(0, count);
    // Where it fails they stay known, and take a little room.
    await Promise.allSettled(some.map(({ revision }) => this.#bucket.forget(revision)));
  }
}
