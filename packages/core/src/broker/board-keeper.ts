import type { Cancel, Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Revocation } from "../jwt/revocation/revocation.ts";
import type { Revocations } from "../jwt/revocation/revocations.ts";
import type { RingReport } from "../jwt/ring-report.ts";
import type { Log } from "../log.ts";
import type { Board, BoardNews } from "./board.ts";

export interface BoardKeeperParts {
  readonly board: Board;
  readonly clock: Clock;
  readonly log: Log;
  /** The revocations in force here. */
  readonly inForce: Revocations;
  /** Puts into force what others have taken; twice is once. */
  readonly takeOver: (found: readonly Revocation[]) => void;
  /** Of this server, as of now. */
  readonly ring: () => RingReport;
  /** The rings that servers have now, this one's included. */
  readonly onRings: (own: RingReport, rings: readonly RingReport[]) => void;
}

/** How often a server looks: what did not reach it otherwise it knows this much later. */
export const LOOK_MS = 1000;
/** How many revocations are written in one go. */
const WRITTEN_AT_ONCE = 500;

/**
 * Keeps a server and the board of its cluster alike: what others have revoked comes into force here, what was taken here and
 * is not there yet is written down. After a lost connection everything is compared, either way.
 */
export class BoardKeeper {
  readonly #parts: BoardKeeperParts;
  /** In force here, and not known to be on the board. */
  readonly #pending = new Map<string, Revocation>();
  /** Up to where the board was read; null where it has to be compared as a whole. */
  #after: number | null = null;
  /** Connections so far: after each there may be another state of things. */
  #connects = 0;
  #looking: Promise<void> | null = null;
  #again = false;
  #cancel: Cancel | null = null;
  #onFirst: (() => void) | null = null;
  /** Something waits that only this server has. */
  #isUrgent = false;
  #isFull = false;
  /** Whether it was said that looking fails. */
  #isTold = false;
  #rings: readonly RingReport[] = [];

  constructor(parts: BoardKeeperParts) {
    this.#parts = parts;
  }

  /** Those that the last look has found, this server's included. */
  get rings(): readonly RingReport[] {
    return this.#rings;
  }

  /** Begins, and resolves once the board was read or so much time has passed. */
  async start(patienceMs: number): Promise<void> {
    const { board, clock, log } = this.#parts;
    const isRead = await new Promise<boolean>((resolve) => {
      const cancel = clock.after(patienceMs, () => resolve(false));
      this.#onFirst = () => {
        cancel();
        resolve(true);
      };
      this.#cancel = clock.every(LOOK_MS, () => this.#look());
      board.start(() => {
        this.#after = null;
        this.#connects += 1;
        this.#look();
      });
    });
    this.#onFirst = null;
    if (isRead) return;
    log.warn(
      "the broker's store cannot be asked: what other servers have revoked is not in force here until it is back",
    );
  }

  /** `isFirst`: no other server is known to have them. */
  revoked(changed: readonly Revocation[], isFirst: boolean): void {
    for (const one of changed) this.#await(one);
    // The others write down what they have heard too, but with their next look: who took it may be gone by then.
    if (!isFirst) return;
    this.#isUrgent = true;
    this.#look();
  }

  /** Shows the others at once that there are other keys. */
  ringChanged(): void {
    this.#look();
  }

  /** Writes down what is left. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    await this.#looking;
    const { board, ring } = this.#parts;
    if (board.isUp && this.#pending.size > 0) await this.#write().catch(() => {});
    await board.stop(ring());
  }

  /** Of what is revoked twice the later end and the later time count, as in force. */
  #await({ by, value, untilMs, issuedBeforeS }: Revocation): void {
    const id = `${by} ${value}`;
    const waiting = this.#pending.get(id);
    this.#pending.set(id, {
      ...{ by, value },
      untilMs: Math.max(untilMs, waiting?.untilMs ?? 0),
      issuedBeforeS: Math.max(issuedBeforeS, waiting?.issuedBeforeS ?? 0),
    });
  }

  #look(): void {
    if (this.#looking !== null) {
      this.#again = true;
      return;
    }
    if (this.#cancel === null || !this.#parts.board.isUp) return;
    this.#looking = this.#compare()
      .then(
        () => {
          this.#isTold = false;
        },
        (thrown: unknown) => this.#failed(messageOf(thrown)),
      )
      .finally(() => {
        this.#looking = null;
        if (this.#again) {
          this.#again = false;
          this.#look();
        }
      });
  }

  #failed(error: string): void {
    // While the connection is away its own lines say so.
    const level = this.#isTold || !this.#parts.board.isUp ? "debug" : "warn";
    this.#isTold ||= level === "warn";
    this.#parts.log[level](
      "what servers write down for each other cannot be read: revocations and other keys may go unnoticed",
      { error },
    );
  }

  async #compare(): Promise<void> {
    const { board, ring, takeOver, onRings } = this.#parts;
    const own = ring();
    const asked = this.#after;
    const connects = this.#connects;
    if (this.#isUrgent && asked !== null) await this.#write();
    this.#isUrgent = false;
    let news = await board.look(own, asked ?? 0);
    const isWhole = asked === null || news.upTo < asked;
    if (asked !== null && isWhole) news = await board.look(own, 0);
    if (this.#connects === connects) this.#after = news.upTo;
    takeOver(news.revocations);
    this.#settle(news, isWhole);
    this.#rings = news.rings;
    onRings(own, news.rings);
    if (this.#pending.size > 0) await this.#write();
    this.#onFirst?.();
  }

  #settle({ revocations }: BoardNews, isWhole: boolean): void {
    if (isWhole) for (const one of this.#parts.inForce.entries()) this.#await(one);
    for (const found of revocations) {
      const id = idOf(found);
      const waiting = this.#pending.get(id);
      if (waiting === undefined || waiting.issuedBeforeS > found.issuedBeforeS) continue;
      // Ends are written down in whole seconds.
      if (waiting.untilMs <= found.untilMs) this.#pending.delete(id);
    }
  }

  async #write(): Promise<void> {
    const { board, clock, log } = this.#parts;
    const nowMs = clock.nowMs();
    for (const [id, { untilMs }] of this.#pending) if (untilMs <= nowMs) this.#pending.delete(id);
    const all = [...this.#pending.values()];
    for (let at = 0; at < all.length; at += WRITTEN_AT_ONCE) {
      const some = all.slice(at, at + WRITTEN_AT_ONCE);
      if (!(await board.write(some))) {
        if (!this.#isFull) {
          const message = "the broker's store has no room for further revocations: raise --revocations_limit";
          log.error(message, { left: all.length - at });
        }
        this.#isFull = true;
        return;
      }
      for (const one of some) if (this.#pending.get(idOf(one)) === one) this.#pending.delete(idOf(one));
    }
    this.#isFull = false;
  }
}

function idOf({ by, value }: Revocation): string {
  return `${by} ${value}`;
}
