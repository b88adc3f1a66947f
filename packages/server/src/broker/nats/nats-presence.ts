import type { Presence, PresenceEvent, PresenceOutcome, PresenceSize } from "@hawser/core/broker/presence";
import type { Cancel } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import { LIMITS } from "@hawser/core/limits";
import { presenceRecord } from "@hawser/core/protocol/presence-texts";
import { LeftSessions, type LeftSessionsParts, takeOut } from "./left-sessions.ts";
import { attendanceKey, type KeptPlace } from "./presence-keys.ts";

export interface NatsPresenceParts extends LeftSessionsParts {
  /** The name of this server among those that share the store. */
  readonly server: string;
}

/** A session of this server. */
interface Attendance {
  places: KeptPlace[];
  /** When it is taken out; null while it is connected. */
  endsAtMs: number | null;
}

const AGAIN_MS = 1_000;
/** Sessions that are taken out at a time. */
const AT_A_TIME = 100;
/** What a lost session takes beside its characters, about. */
const SESSION_OVERHEAD = 500;

const UNCHANGED: PresenceOutcome = { done: true, event: null };

/**
 * Presence in NATS, the same for all servers. Who was the first under an id and who the last is decided by the change of its
 * key, which only one server can make; each server keeps its own sessions there, and what a server leaves that dies is
 * ended by another.
 */
export class NatsPresence implements Presence {
  readonly #ttlMs: number;
  readonly #parts: NatsPresenceParts;
  readonly #own = new Map<string, Attendance>();
  /** By session the end of what is being done with it; it never rejects. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Sessions of this server that were lost, the first of them first. */
  readonly #lost = new Set<string>();
  #lostLength = 0;
  readonly #left: LeftSessions;
  #cancelExpiry: Cancel | null = null;
  #expiring = false;
  #onExpired: (stream: string, event: PresenceEvent) => void = () => {};

  constructor(ttlMs: number, parts: NatsPresenceParts) {
    this.#ttlMs = ttlMs;
    this.#parts = parts;
    this.#left = new LeftSessions(ttlMs, parts, (stream, event) => this.#onExpired(stream, event));
    parts.store.whenLoaded(() => this.#assert());
  }

  join(stream: string, sid: string, id: string, info: string | null): Promise<PresenceOutcome> {
    return this.#inTurn(sid, () => this.#join(sid, { stream, id, info }));
  }

  leave(stream: string, sid: string): Promise<PresenceOutcome> {
    return this.#inTurn(sid, () => this.#leave(stream, sid));
  }

  async info(stream: string): Promise<string> {
    await this.#parts.store.caughtUp();
    return this.#parts.store.view.text(stream);
  }

  async resumed(formerSid: string, sid: string): Promise<void> {
    await this.#underWay.get(formerSid);
    await this.#inTurn(sid, () => this.#resume(formerSid, sid));
  }

  async disconnected(sid: string): Promise<void> {
    const endsAtMs = this.#parts.time.nowMs() + this.#ttlMs;
    await this.#inTurn(sid, async () => {
      const own = this.#own.get(sid);
      if (own === undefined) return;
      this.#find(sid, own);
      own.endsAtMs = endsAtMs;
      this.#lost.add(sid);
      this.#lostLength += lengthOf(own) + SESSION_OVERHEAD;
      this.#awaitExpiry();
      await this.#keep(sid, own);
    });
  }

  /** Of the sessions of this server. */
  size(): PresenceSize {
    return { streams: this.#parts.store.view.rooms, sessions: this.#own.size };
  }

  onExpired(listener: (stream: string, event: PresenceEvent) => void): void {
    this.#onExpired = listener;
  }

  /** Its sessions are there for their time yet: the other servers see to that. */
  async close(): Promise<void> {
    this.#left.stop();
    this.#cancelExpiry?.();
    await Promise.all(this.#underWay.values());
    this.#parts.store.stop();
  }

  async #join(sid: string, place: KeptPlace): Promise<PresenceOutcome> {
    const { store } = this.#parts;
    const own = this.#own.get(sid) ?? { places: [], endsAtMs: null };
    const before = own.places.find(({ stream }) => stream === place.stream);
    if (before !== undefined && before.id !== place.id) return notDone("presence ID mismatch");
    const tooMuch = this.#excess(own, before, place);
    if (tooMuch !== null) return notDone(tooMuch);
    this.#find(sid, own);
    own.endsAtMs = null;
    own.places = [...own.places.filter((other) => other !== before), place];
    this.#own.set(sid, own);
    // NATS takes them in this order: where a session is under an id, it is known which server has it.
    const [, isNew] = await Promise.all([this.#keep(sid, own), store.enter(sid, place)]);
    const { id, info } = place;
    return isNew ? { done: true, event: { type: "join", id, info } } : UNCHANGED;
  }

  async #leave(stream: string, sid: string): Promise<PresenceOutcome> {
    const { store } = this.#parts;
    const own = this.#own.get(sid);
    const place = own?.places.find((one) => one.stream === stream);
    if (own === undefined || place === undefined) {
      return notDone(store.view.isEmpty(stream) ? "stream not found" : "presence info not found");
    }
    const wasLast = await store.exit(sid, place);
    if (own.endsAtMs !== null) this.#lostLength -= lengthOfPlace(place);
    own.places = own.places.filter((one) => one !== place);
    if (own.places.length > 0) await this.#keep(sid, own);
    else {
      this.#find(sid, own);
      this.#own.delete(sid);
      await store.removeAttendance(sid);
    }
    return wasLast ? { done: true, event: { type: "leave", id: place.id } } : UNCHANGED;
  }

  async #resume(formerSid: string, sid: string): Promise<void> {
    if (this.#own.has(sid)) return;
    const { store } = this.#parts;
    const former = this.#own.get(formerSid) ?? (await store.attendance(formerSid));
    if (former === null || former.places.length === 0) return;
    const own: Attendance = { places: [...former.places], endsAtMs: null };
    this.#own.set(sid, own);
    const [, ...entered] = await Promise.all([
      this.#keep(sid, own),
      ...own.places.map((place) => store.enterBeside(formerSid, sid, place)),
    ]);
    if (entered.every((isThere) => isThere)) return;
    // Its time was over in this moment, and all have been told that it left.
    own.places = own.places.filter((_, at) => entered[at]);
    if (own.places.length > 0) await this.#keep(sid, own);
    else {
      this.#own.delete(sid);
      await store.removeAttendance(sid);
    }
  }

  /** Why a place cannot be taken, or null when it can. */
  #excess(own: Attendance, before: KeptPlace | undefined, place: KeptPlace): string | null {
    const { maxPresenceRecord, maxPresenceOfSession, maxPresenceOfStream } = LIMITS;
    const record = presenceRecord(place.id, place.info);
    if (record.length > maxPresenceRecord)
      return `presence data is too long: ${maxPresenceRecord} are allowed`;
    const ofSession =
      lengthOf(own) - (before === undefined ? 0 : lengthOfPlace(before)) + lengthOfPlace(place);
    if (ofSession > maxPresenceOfSession) {
      return `the session's presence data is too long: ${maxPresenceOfSession} are allowed`;
    }
    const { view } = this.#parts.store;
    const ofStream =
      view.lengthOf(place.stream) - view.recordOf(place.stream, place.id).length + record.length;
    if (ofStream <= maxPresenceOfStream) return null;
    return `the stream's presence data is too long: ${maxPresenceOfStream} are allowed`;
  }

  async #keep(sid: string, { places, endsAtMs }: Attendance): Promise<void> {
    await this.#parts.store.putAttendance({ sid, server: this.#parts.server, places, endsAtMs });
  }

  /** It is not lost any more. */
  #find(sid: string, own: Attendance): void {
    if (this.#lost.delete(sid)) this.#lostLength -= lengthOf(own) + SESSION_OVERHEAD;
  }

  #awaitExpiry(): void {
    const { clock, time } = this.#parts;
    const [first] = this.#lost;
    const own = first === undefined ? undefined : this.#own.get(first);
    if (this.#expiring || own === undefined || own.endsAtMs === null) return;
    this.#cancelExpiry?.();
    const delayMs = this.#isFull(this.#lostLength) ? 0 : Math.max(0, own.endsAtMs - time.nowMs());
    this.#cancelExpiry = clock.after(delayMs, () => void this.#expireDue());
  }

  #isFull(lostLength: number): boolean {
    return lostLength > LIMITS.maxPresenceOfLost;
  }

  /** Those of this server, so many at a time. Where there is no room, whoever was lost first goes before the time. */
  async #expireDue(): Promise<void> {
    const { clock, log, time } = this.#parts;
    this.#expiring = true;
    const due: string[] = [];
    let length = this.#lostLength;
    for (const sid of this.#lost) {
      const own = this.#own.get(sid);
      if (own === undefined || own.endsAtMs === null || due.length === AT_A_TIME) break;
      if (own.endsAtMs > time.nowMs() && !this.#isFull(length)) break;
      length -= lengthOf(own) + SESSION_OVERHEAD;
      own.endsAtMs = Math.min(own.endsAtMs, time.nowMs());
      due.push(sid);
    }
    const outcomes = await Promise.allSettled(
      due.map((sid) => this.#inTurn(sid, () => this.#expireOwn(sid))),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      log.warn("sessions whose time is over are still present; trying again", {
        error: messageOf(failed.reason),
      });
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
    this.#expiring = false;
    this.#awaitExpiry();
  }

  async #expireOwn(sid: string): Promise<void> {
    const own = this.#own.get(sid);
    // It joined or left meanwhile.
    if (own === undefined || own.endsAtMs === null || own.endsAtMs > this.#parts.time.nowMs()) return;
    await takeOut(this.#parts.store, { sid, places: own.places }, this.#onExpired);
    this.#find(sid, own);
    this.#own.delete(sid);
  }

  /** Others may have taken this server for gone, or NATS may have lost what it had: its sessions are there all the same. */
  #assert(): void {
    const { log, server, store } = this.#parts;
    for (const [sid, own] of this.#own) {
      const seen = store.view.attendance(attendanceKey(sid))?.kept;
      if (own.endsAtMs !== null) continue;
      if (seen !== undefined && seen.server === server && seen.endsAtMs === null) continue;
      const again = this.#inTurn(sid, () => this.#enterAgain(sid));
      again.catch((thrown: unknown) =>
        log.warn("a session is not present", { sid, error: messageOf(thrown) }),
      );
    }
  }

  async #enterAgain(sid: string): Promise<void> {
    const { store } = this.#parts;
    const own = this.#own.get(sid);
    if (own === undefined || own.endsAtMs !== null) return;
    await this.#keep(sid, own);
    for (const place of own.places) {
      const { stream, id, info } = place;
      if (await store.enter(sid, place)) this.#onExpired(stream, { type: "join", id, info });
    }
  }

  /** One thing after another for each session. */
  #inTurn<T>(sid: string, run: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(sid);
    const done = before === undefined ? run() : before.then(run);
    const end: Promise<void> = done.then(
      () => this.#ended(sid, end),
      () => this.#ended(sid, end),
    );
    this.#underWay.set(sid, end);
    return done;
  }

  #ended(sid: string, end: Promise<unknown>): void {
    if (this.#underWay.get(sid) === end) this.#underWay.delete(sid);
  }
}

/** Characters of the stream's name and of the record. */
function lengthOfPlace({ stream, id, info }: KeptPlace): number {
  return stream.length + presenceRecord(id, info).length;
}

function lengthOf({ places }: Attendance): number {
  let length = 0;
  for (const place of places) length += lengthOfPlace(place);
  return length;
}

function notDone(why: string): PresenceOutcome {
  return { done: false, why };
}
