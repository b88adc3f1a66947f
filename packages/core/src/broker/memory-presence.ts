import type { Cancel, Clock } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import { presenceInfo, presenceRecord } from "../protocol/presence-texts.ts";
import type { Presence, PresenceEvent, PresenceOutcome, PresenceSize } from "./presence.ts";

/** One id on one stream. */
interface Member {
  readonly id: string;
  /** As it stands in the list of members. */
  record: string;
  /** Sessions that are there under this id. */
  sessions: number;
}

/** One stream with somebody on it. */
interface Room {
  readonly members: Map<string, Member>;
  /** Characters of the records. */
  length: number;
  /** The list of members as text, or null when it has to be made again. */
  text: string | null;
}

/** Where one session is. */
interface Attendance {
  /** Nearly always a single one, so that a scan beats a map (memory: 100,000 sessions). */
  readonly places: Place[];
  /** Characters of the records that it brought, and of the streams' names. */
  length: number;
}

interface Place {
  readonly stream: string;
  readonly member: Member;
  /** Characters of the stream's name and of the record that the session brought. */
  length: number;
}

/** What a lost session takes beside its characters, about. */
const SESSION_OVERHEAD = 500;

/** How many are taken out at a time, so that thousands who were lost together do not keep everybody waiting. */
const EXPIRED_AT_A_TIME = 256;
const BETWEEN_MS = 10;

const UNCHANGED: PresenceOutcome = { done: true, event: null };

/** Who is on which stream, in this process. */
export class MemoryPresence implements Presence {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #rooms = new Map<string, Room>();
  readonly #sessions = new Map<string, Attendance>();
  /** Session -> when its time is over. All have the same time, so the map's order is that of the deadlines. */
  readonly #deadlines = new Map<string, number>();
  /** What those in `deadlines` take, in characters. */
  #lost = 0;
  #onExpired: (stream: string, event: PresenceEvent) => void = () => {};
  #cancel: Cancel | null = null;

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  join(stream: string, sid: string, id: string, info: string | null): PresenceOutcome {
    const attendance = this.#sessions.get(sid);
    if (attendance !== undefined) this.#unqueue(sid, attendance);
    const place = placeOn(stream, attendance);
    if (place !== undefined && place.member.id !== id) return notDone("presence ID mismatch");
    const record = presenceRecord(id, info);
    const room = this.#rooms.get(stream);
    const member = room?.members.get(id);
    const length = record.length + stream.length;
    const ofSession = (attendance?.length ?? 0) - (place?.length ?? 0) + length;
    const ofStream = (room?.length ?? 0) - (member?.record.length ?? 0) + record.length;
    const tooMuch = excess(record.length, ofSession, ofStream);
    if (tooMuch !== null) return notDone(tooMuch);
    const joined = this.#put(stream, id, record, ofStream);
    if (place === undefined) joined.sessions += 1;
    if (place !== undefined) place.length = length;
    else this.#place(sid, { stream, member: joined, length });
    if (attendance !== undefined) attendance.length = ofSession;
    return member === undefined ? { done: true, event: { type: "join", id, info } } : UNCHANGED;
  }

  leave(stream: string, sid: string): PresenceOutcome {
    if (!this.#rooms.has(stream)) return notDone("stream not found");
    const attendance = this.#sessions.get(sid);
    const place = placeOn(stream, attendance);
    if (attendance === undefined || place === undefined) return notDone("presence info not found");
    attendance.places.splice(attendance.places.indexOf(place), 1);
    attendance.length -= place.length;
    if (this.#deadlines.has(sid)) this.#lost -= place.length;
    if (attendance.places.length === 0) {
      this.#unqueue(sid, attendance);
      this.#sessions.delete(sid);
    }
    return this.#remove(stream, place.member) ? { done: true, event: leaving(place.member) } : UNCHANGED;
  }

  info(stream: string): string {
    const room = this.#rooms.get(stream);
    if (room === undefined) return presenceInfo(0, "");
    room.text ??= textOf(room);
    return room.text;
  }

  resumed(formerSid: string, sid: string): void {
    const former = this.#sessions.get(formerSid);
    if (former === undefined || this.#sessions.has(sid)) return;
    for (const { member } of former.places) member.sessions += 1;
    const places = former.places.map((place) => ({ ...place }));
    this.#sessions.set(sid, { places, length: former.length });
  }

  disconnected(sid: string): void {
    const attendance = this.#sessions.get(sid);
    if (attendance === undefined) return;
    this.#unqueue(sid, attendance);
    this.#deadlines.set(sid, this.#clock.monotonicMs() + this.#ttlMs);
    this.#lost += attendance.length + SESSION_OVERHEAD;
    if (this.#lost > LIMITS.maxPresenceOfLost) this.#expireOldest();
    this.#wait(this.#ttlMs);
  }

  onExpired(listener: (stream: string, event: PresenceEvent) => void): void {
    this.#onExpired = listener;
  }

  /** Nobody is taken out any more. */
  close(): void {
    this.#cancel?.();
    this.#deadlines.clear();
    this.#cancel = null;
  }

  size(): PresenceSize {
    return { streams: this.#rooms.size, sessions: this.#sessions.size };
  }

  #put(stream: string, id: string, record: string, length: number): Member {
    let room = this.#rooms.get(stream);
    if (room === undefined) {
      room = { members: new Map(), length: 0, text: null };
      this.#rooms.set(stream, room);
    }
    const known = room.members.get(id);
    if (known?.record === record) return known;
    room.length = length;
    room.text = null;
    if (known !== undefined) {
      known.record = record;
      return known;
    }
    const member = { id, record, sessions: 0 };
    room.members.set(id, member);
    return member;
  }

  #place(sid: string, place: Place): void {
    const attendance = this.#sessions.get(sid);
    if (attendance === undefined) this.#sessions.set(sid, { places: [place], length: place.length });
    else attendance.places.push(place);
  }

  /** Takes one session of the member out; whether it was the last one. */
  #remove(stream: string, member: Member): boolean {
    member.sessions -= 1;
    if (member.sessions > 0) return false;
    const room = this.#rooms.get(stream);
    if (room === undefined) return true;
    room.members.delete(member.id);
    room.length -= member.record.length;
    room.text = null;
    if (room.members.size === 0) this.#rooms.delete(stream);
    return true;
  }

  /** Its time does not run any more. */
  #unqueue(sid: string, attendance: Attendance): void {
    if (this.#deadlines.delete(sid)) this.#lost -= attendance.length + SESSION_OVERHEAD;
  }

  #wait(delayMs: number): void {
    this.#cancel ??= this.#clock.after(delayMs, () => {
      this.#cancel = null;
      this.#expire();
    });
  }

  /** Takes out whose time is over: the first of the queue, and of a long queue so many at a time. */
  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    let left = EXPIRED_AT_A_TIME;
    for (const [sid, deadlineMs] of this.#deadlines) {
      if (deadlineMs > nowMs || left <= 0) {
        this.#wait(Math.max(BETWEEN_MS, deadlineMs - nowMs));
        return;
      }
      left -= this.#expireSession(sid);
    }
  }

  /** Makes room: whoever was lost first goes before the time. */
  #expireOldest(): void {
    for (const sid of this.#deadlines.keys()) {
      if (this.#lost <= LIMITS.maxPresenceOfLost) return;
      this.#expireSession(sid);
    }
  }

  /** @returns how many streams it was on. */
  #expireSession(sid: string): number {
    const attendance = this.#sessions.get(sid);
    if (attendance === undefined) return 0;
    this.#unqueue(sid, attendance);
    this.#sessions.delete(sid);
    for (const { stream, member } of attendance.places) {
      if (this.#remove(stream, member)) this.#onExpired(stream, leaving(member));
    }
    return attendance.places.length;
  }
}

/** Where the session is on this stream. */
function placeOn(stream: string, attendance: Attendance | undefined): Place | undefined {
  if (attendance === undefined) return undefined;
  for (const place of attendance.places) if (place.stream === stream) return place;
}

/** Why a record cannot be taken, or null when it can. */
function excess(ofMember: number, ofSession: number, ofStream: number): string | null {
  const { maxPresenceRecord, maxPresenceOfSession, maxPresenceOfStream } = LIMITS;
  if (ofMember > maxPresenceRecord) return `presence data is too long: ${maxPresenceRecord} are allowed`;
  if (ofSession > maxPresenceOfSession) {
    return `the session's presence data is too long: ${maxPresenceOfSession} are allowed`;
  }
  if (ofStream <= maxPresenceOfStream) return null;
  return `the stream's presence data is too long: ${maxPresenceOfStream} are allowed`;
}

function textOf({ members }: Room): string {
  let records = "";
  for (const { record } of members.values()) records += records === "" ? record : `,${record}`;
  return presenceInfo(members.size, records);
}

function leaving({ id }: Member): PresenceEvent {
  return { type: "leave", id };
}

function notDone(why: string): PresenceOutcome {
  return { done: false, why };
}
