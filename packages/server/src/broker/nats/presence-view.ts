import { presenceInfo } from "@hawser/core/protocol/presence-texts";
import type { KeyChange } from "../../drivers/nats/key-values.ts";
import { isMemberKey, type KeptAttendance, type KeptMember } from "./presence-keys.ts";

interface Seen<T> {
  readonly kept: T;
  readonly revision: number;
}

/** One stream with somebody on it. */
interface Room {
  readonly members: Map<string, KeptMember>;
  /** Characters of the records. */
  length: number;
  /** The list of members as text, or null when it has to be made again. */
  text: string | null;
}

/**
 * Who is on which stream, as this server has heard of it: changes come in their order, and those that it made itself as soon as
 * they are made.
 */
export class PresenceView {
  readonly #members = new Map<string, Seen<KeptMember>>();
  readonly #attendances = new Map<string, Seen<KeptAttendance>>();
  readonly #rooms = new Map<string, Room>();
  /** By server. */
  readonly #keysOf = new Map<string, Set<string>>();
  /** Keys that this server took away before it heard of it: what came before that is old news. */
  readonly #gone = new Map<string, number>();
  #upTo = 0;

  /** All up to this revision has been heard. */
  get upTo(): number {
    return this.#upTo;
  }

  get rooms(): number {
    return this.#rooms.size;
  }

  member(key: string): Seen<KeptMember> | null {
    return this.#members.get(key) ?? null;
  }

  attendance(key: string): Seen<KeptAttendance> | null {
    return this.#attendances.get(key) ?? null;
  }

  servers(): IterableIterator<string> {
    return this.#keysOf.keys();
  }

  attendancesOf(server: string): readonly string[] {
    return [...(this.#keysOf.get(server) ?? [])];
  }

  lengthOf(stream: string): number {
    return this.#rooms.get(stream)?.length ?? 0;
  }

  /** As it stands in the list of members; empty for who is not there. */
  recordOf(stream: string, id: string): string {
    return this.#rooms.get(stream)?.members.get(id)?.record ?? "";
  }

  isEmpty(stream: string): boolean {
    return !this.#rooms.has(stream);
  }

  text(stream: string): string {
    const room = this.#rooms.get(stream);
    if (room === undefined) return presenceInfo(0, "");
    room.text ??= textOf(room);
    return room.text;
  }

  heard(change: KeyChange): void {
    this.changed(change);
    this.heardUpTo(change.revision);
  }

  heardUpTo(revision: number): void {
    if (revision > this.#upTo) this.#upTo = revision;
    for (const [key, goneAs] of this.#gone) if (goneAs <= this.#upTo) this.#gone.delete(key);
  }

  /** Takes in what became of a key, unless something newer is known of it. */
  changed({ key, text, revision, isGone }: Pick<KeyChange, "key" | "text" | "revision" | "isGone">): void {
    const isMember = isMemberKey(key);
    const known =
      (isMember ? this.#members : this.#attendances).get(key)?.revision ?? this.#gone.get(key) ?? 0;
    if (revision <= known) return;
    if (isGone && revision > this.#upTo) this.#gone.set(key, revision);
    else this.#gone.delete(key);
    // Nobody but servers writes there.
    if (isMember) this.#setMember(key, isGone ? null : { kept: JSON.parse(text) as KeptMember, revision });
    else this.#setAttendance(key, isGone ? null : { kept: JSON.parse(text) as KeptAttendance, revision });
  }

  #setMember(key: string, seen: Seen<KeptMember> | null): void {
    const before = this.#members.get(key)?.kept;
    if (before !== undefined && before.record !== seen?.kept.record) this.#leaveRoom(before);
    if (seen === null) this.#members.delete(key);
    else {
      this.#members.set(key, seen);
      if (before?.record !== seen.kept.record) this.#enterRoom(seen.kept);
    }
  }

  #enterRoom(member: KeptMember): void {
    let room = this.#rooms.get(member.stream);
    if (room === undefined) {
      room = { members: new Map(), length: 0, text: null };
      this.#rooms.set(member.stream, room);
    }
    room.members.set(member.id, member);
    room.length += member.record.length;
    room.text = null;
  }

  #leaveRoom({ stream, id, record }: KeptMember): void {
    const room = this.#rooms.get(stream);
    if (room === undefined || !room.members.delete(id)) return;
    room.length -= record.length;
    room.text = null;
    if (room.members.size === 0) this.#rooms.delete(stream);
  }

  #setAttendance(key: string, seen: Seen<KeptAttendance> | null): void {
    const before = this.#attendances.get(key)?.kept.server;
    const server = seen?.kept.server;
    if (seen === null) this.#attendances.delete(key);
    else this.#attendances.set(key, seen);
    if (before === server) return;
    if (before !== undefined) {
      const keys = this.#keysOf.get(before);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysOf.delete(before);
    }
    if (server === undefined) return;
    const keys = this.#keysOf.get(server);
    if (keys === undefined) this.#keysOf.set(server, new Set([key]));
    else keys.add(key);
  }
}

function textOf({ members }: Room): string {
  let records = "";
  for (const { record } of members.values()) records += records === "" ? record : `,${record}`;
  return presenceInfo(members.size, records);
}
