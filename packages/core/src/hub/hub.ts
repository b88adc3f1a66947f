import type { Position } from "../broker/history.ts";
import type { Publication } from "../protocol/publication.ts";
import { broadcastFrame, broadcastHead, broadcastTail } from "../protocol/replies.ts";

/** What the hub needs of a subscriber. */
export interface TopicMember {
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
}

/** All connections that follow one stream under one identifier: they get the same frames, so they share one topic. */
export interface Group {
  readonly stream: string;
  readonly identifier: string;
  /** The runtime's topic: short, because the runtime keeps a copy of it for every subscription. */
  readonly topic: string;
  /** The frame up to the message. */
  readonly head: string;
  /** Those that are held included. */
  members: number;
  /** Who keeps the frames for members that are held; null when no member is. */
  held: Holder[] | null;
  /** The position of the last message that has one; while none has come the Unix second from which one may. */
  reached: Position | number;
}

/**
 * Keeps what is published to groups for a member that is not to get it yet: there is something that it must have first.
 * A member that is held in a group is counted in it and not in its topic.
 */
export interface Holder {
  readonly connection: TopicMember;
  /** `position` is null for what has none. May release its member, or take it out of every group. */
  keep(group: Group, frame: string, position: Position | null): void;
}

/** Sends `frame` to the topic; the payload bytes of one copy. */
export type PublishFrame = (topic: string, frame: string) => number;

/** Whom to leave out of a publication. A session is one as it stands: nothing is made for a message. */
export interface Excluded {
  readonly connection: TopicMember;
  follows(group: Group): boolean;
}

/** Told of streams that get their first subscriber and lose their last. */
export interface StreamWatch {
  follow(stream: string): void;
  unfollow(stream: string): void;
}

export interface FanOut {
  frames: number;
  bytes: number;
  /** Bytes for a member that is in every group of the stream. */
  mostBytesEach: number;
}

/**
 * Who follows what. A stream has one group an identifier; nearly every stream has a single one, so that one stands in
 * the map by itself and a second map is made only for the second identifier (memory: 100,000 streams of one subscriber).
 */
export class Hub {
  readonly #streams = new Map<string, Group | Map<string, Group>>();
  readonly #publishFrame: PublishFrame;
  readonly #watch: StreamWatch | null;
  readonly #nowS: () => number;
  #nextTopic = 0;

  /** @param nowS the Unix time in seconds; for where it matters what the followers of a stream have missed. */
  constructor(publishFrame: PublishFrame, watch: StreamWatch | null = null, nowS: () => number = () => 0) {
    this.#publishFrame = publishFrame;
    this.#watch = watch;
    this.#nowS = nowS;
  }

  /** Streams with at least one subscriber. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Their names. */
  streams(): IterableIterator<string> {
    return this.#streams.keys();
  }

  /**
   * Up to where the followers of the stream have it: the position of the last message that has one, or the Unix second since
   * when there was none. Null when nobody follows it.
   */
  reached(stream: string): Position | number | null {
    const entry = this.#streams.get(stream);
    if (entry === undefined) return null;
    if (!(entry instanceof Map)) return entry.reached;
    // A group that was formed later has heard no more than the others.
    let earliestS = Number.POSITIVE_INFINITY;
    for (const { reached } of entry.values()) {
      if (typeof reached !== "number") return reached;
      earliestS = Math.min(earliestS, reached);
    }
    return earliestS;
  }

  /** What came before cannot be known: from now on is what counts. */
  reachedNow(stream: string): void {
    const entry = this.#streams.get(stream);
    const groups = entry instanceof Map ? entry.values() : entry === undefined ? [] : [entry];
    for (const group of groups) group.reached = this.#nowS();
  }

  /** Adds the member; the caller keeps the group, and adds a member to a group once. */
  join(member: TopicMember, stream: string, identifier: string): Group {
    const group = this.#groupOf(stream, identifier);
    group.members += 1;
    member.subscribe(group.topic);
    return group;
  }

  /** The same for a member that is not to get frames before `release`. */
  joinHeld(holder: Holder, stream: string, identifier: string): Group {
    const group = this.#groupOf(stream, identifier);
    group.members += 1;
    addHolder(group, holder);
    return group;
  }

  /** From now on the holder gets what is published to the group, in place of its member. */
  hold(holder: Holder, group: Group): void {
    holder.connection.unsubscribe(group.topic);
    addHolder(group, holder);
  }

  /** From now on the member itself gets it. */
  release(holder: Holder, group: Group): void {
    if (removeHolder(group, holder.connection)) holder.connection.subscribe(group.topic);
  }

  leave(member: TopicMember, group: Group): void {
    member.unsubscribe(group.topic);
    this.forget(member, group);
  }

  /** Counts a member out whose connection is already gone: the runtime has dropped its topics by itself. */
  forget(member: TopicMember, group: Group): void {
    if (group.held !== null) removeHolder(group, member);
    group.members -= 1;
    if (group.members > 0) return;
    const entry = this.#streams.get(group.stream);
    if (entry instanceof Map) {
      entry.delete(group.identifier);
      if (entry.size === 0) this.#forgetStream(group.stream);
    } else if (entry === group) {
      this.#forgetStream(group.stream);
    }
  }

  #forgetStream(stream: string): void {
    this.#streams.delete(stream);
    this.#watch?.unfollow(stream);
  }

  /** Sends the publication to every follower of its stream; `position` is null for what history does not have. */
  publish(publication: Publication, position: Position | null, excluded: Excluded | null): FanOut {
    const fanOut = { frames: 0, bytes: 0, mostBytesEach: 0 };
    const entry = this.#streams.get(publication.stream);
    if (entry === undefined) return fanOut;
    const tail = broadcastTail(publication.stream, position);
    const { message, broadcastType } = publication;
    if (entry instanceof Map) {
      for (const group of entry.values()) {
        const frame = broadcastFrame(group.head, message, broadcastType, tail);
        this.#publishTo(group, frame, position, excluded, fanOut);
      }
    } else {
      const frame = broadcastFrame(entry.head, message, broadcastType, tail);
      this.#publishTo(entry, frame, position, excluded, fanOut);
    }
    return fanOut;
  }

  #publishTo(
    group: Group,
    frame: string,
    position: Position | null,
    excluded: Excluded | null,
    fanOut: FanOut,
  ): void {
    if (position !== null) group.reached = position;
    const leftOut = excluded?.follows(group) ? excluded.connection : null;
    if (group.held === null) {
      this.#publishToTopic(
        group,
        frame,
        leftOut,
        leftOut === null ? group.members : group.members - 1,
        fanOut,
      );
      return;
    }
    // A copy, for to keep a frame may take members out of the group or into its topic, which must have had the frame by then.
    const held = [...group.held];
    const isHeld = leftOut !== null && held.some(({ connection }) => connection === leftOut);
    const live = group.members - held.length;
    if (leftOut === null || isHeld) this.#publishToTopic(group, frame, null, live, fanOut);
    else this.#publishToTopic(group, frame, leftOut, live - 1, fanOut);
    for (const holder of held) if (holder.connection !== leftOut) holder.keep(group, frame, position);
  }

  #publishToTopic(
    group: Group,
    frame: string,
    leftOut: TopicMember | null,
    receivers: number,
    fanOut: FanOut,
  ): void {
    if (receivers === 0) return;
    // Out and in again within one tick is exact: the runtime keeps the order of calls.
    leftOut?.unsubscribe(group.topic);
    const bytes = this.#publishFrame(group.topic, frame);
    leftOut?.subscribe(group.topic);
    fanOut.frames += receivers;
    fanOut.bytes += receivers * bytes;
    fanOut.mostBytesEach += bytes;
  }

  #groupOf(stream: string, identifier: string): Group {
    const entry = this.#streams.get(stream);
    if (entry === undefined) {
      const group = this.#newGroup(stream, identifier);
      this.#streams.set(stream, group);
      this.#watch?.follow(stream);
      return group;
    }
    if (!(entry instanceof Map)) {
      if (entry.identifier === identifier) return entry;
      const group = this.#newGroup(stream, identifier);
      this.#streams.set(
        stream,
        new Map([
          [entry.identifier, entry],
          [identifier, group],
        ]),
      );
      return group;
    }
    const known = entry.get(identifier);
    if (known !== undefined) return known;
    const group = this.#newGroup(stream, identifier);
    entry.set(identifier, group);
    return group;
  }

  #newGroup(stream: string, identifier: string): Group {
    this.#nextTopic += 1;
    const topic = this.#nextTopic.toString(36);
    const head = broadcastHead(identifier);
    return { stream, identifier, topic, head, members: 0, held: null, reached: this.#nowS() };
  }
}

function addHolder(group: Group, holder: Holder): void {
  group.held ??= [];
  group.held.push(holder);
}

/** Whether the member was held in the group. */
function removeHolder(group: Group, member: TopicMember): boolean {
  const at = group.held?.findIndex(({ connection }) => connection === member) ?? -1;
  if (group.held === null || at < 0) return false;
  if (group.held.length === 1) group.held = null;
  else group.held.splice(at, 1);
  return true;
}
