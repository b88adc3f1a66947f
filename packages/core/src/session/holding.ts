import type { Position } from "../broker/history.ts";
import type { Group, Holder, TopicMember } from "../hub/hub.ts";

/** What a holding does to its session. */
export interface Held {
  readonly connection: TopicMember;
  /** Sends it a frame. */
  send(frame: string): void;
  /** It has all that it was told of the group by other means, and what comes next is newer. */
  caughtUp(group: Group): void;
  /** More waits for it than may. */
  full(): void;
}

export const NOTHING_TOLD: ReadonlyMap<Group, Position> = new Map();

/**
 * What was published to subscriptions of one session that are held, until they go live. The frames are those that the
 * others get, not copies.
 */
export class Holding implements Holder {
  readonly connection: TopicMember;
  readonly #held: Held;
  readonly #maxBytes: number;
  #groups: Group[] = [];
  #frames: string[] = [];
  #positions: (Position | null)[] = [];
  #bytes = 0;
  /** Groups whose frames are passed on but for those that the client has. */
  readonly #catchingUp = new Map<Group, Position>();

  /** @param maxBytes that may wait; 0 for no limit. */
  constructor(held: Held, maxBytes: number) {
    this.connection = held.connection;
    this.#held = held;
    this.#maxBytes = maxBytes;
  }

  /** Of how many groups there is something here. */
  get groupCount(): number {
    return new Set([...this.#groups, ...this.#catchingUp.keys()]).size;
  }

  /** The session is held in the group from now on; what there is of a former time is not for it. */
  begin(group: Group): void {
    this.end(group);
  }

  /** The session has left the group. */
  end(group: Group): void {
    this.#catchingUp.delete(group);
    if (this.#groups.includes(group)) this.take([group], NOTHING_TOLD);
  }

  keep(group: Group, frame: string, position: Position | null): void {
    const told = this.#catchingUp.get(group);
    if (told !== undefined) {
      this.#passOn(group, frame, position, told);
      return;
    }
    this.#groups.push(group);
    this.#frames.push(frame);
    this.#positions.push(position);
    this.#bytes += frame.length;
    if (this.#maxBytes > 0 && this.#bytes > this.#maxBytes) this.#held.full();
  }

  /**
   * The frames of these groups in the order of their publication, without those that the client has by `told`: how far
   * it has been told the streams by other means. They are forgotten here.
   */
  take(groups: readonly Group[], told: ReadonlyMap<Group, Position>): string[] {
    const taken: string[] = [];
    const [ofGroups, frames, positions] = [this.#groups, this.#frames, this.#positions];
    [this.#groups, this.#frames, this.#positions, this.#bytes] = [[], [], [], 0];
    for (const [at, group] of ofGroups.entries()) {
      const frame = frames[at] ?? "";
      const position = positions[at] ?? null;
      if (!groups.includes(group)) this.keep(group, frame, position);
      else if (!isTold(position, told.get(group))) taken.push(frame);
    }
    return taken;
  }

  /** From now on passes on what is published to the group, but for what the client has by `told` and that is still to come. */
  catchUp(group: Group, told: Position): void {
    this.#catchingUp.set(group, told);
  }

  /** Undoes `catchUp`. */
  passNothingOn(group: Group): void {
    this.#catchingUp.delete(group);
  }

  #passOn(group: Group, frame: string, position: Position | null, told: Position): void {
    if (isTold(position, told)) return;
    this.#held.send(frame);
    if (position === null) return;
    this.#catchingUp.delete(group);
    this.#held.caughtUp(group);
  }
}

/** Offsets of another epoch say nothing; and what has no position is told by no other means. */
function isTold(position: Position | null, told: Position | undefined): boolean {
  if (position === null || told === undefined) return false;
  return position.epoch === told.epoch && position.offset <= told.offset;
}
