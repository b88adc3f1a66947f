import type { Position } from "../broker/history.ts";
import type { Group, Holder, TopicMember } from "../hub/hub.ts";

/**
 * What was published to subscriptions of one session that are held, until they go live. The frames are those that the
 * others get, not copies.
 */
export class Holding implements Holder {
  readonly connection: TopicMember;
  readonly #maxBytes: number;
  readonly #onFull: () => void;
  #groups: Group[] = [];
  #frames: string[] = [];
  #positions: (Position | null)[] = [];
  #bytes = 0;

  /** @param maxBytes that may wait, 0 for no limit; `onFull` is called past it and ends the session. */
  constructor(connection: TopicMember, maxBytes: number, onFull: () => void) {
    this.connection = connection;
    this.#maxBytes = maxBytes;
    this.#onFull = onFull;
  }

  keep(group: Group, frame: string, position: Position | null): void {
    this.#groups.push(group);
    this.#frames.push(frame);
    this.#positions.push(position);
    this.#bytes += frame.length;
    if (this.#maxBytes > 0 && this.#bytes > this.#maxBytes) this.#onFull();
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
}

/** Offsets of another epoch say nothing; and what has no position is told by no other means. */
function isTold(position: Position | null, told: Position | undefined): boolean {
  if (position === null || told === undefined) return false;
  return position.epoch === told.epoch && position.offset <= told.offset;
}
