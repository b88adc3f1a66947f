import type { Board, BoardNews } from "../broker/board.ts";
import type { Clock } from "../clock.ts";
import type { Revocation } from "../jwt/revocation/revocation.ts";
import { type RingReport, readRingReport, ringReportText } from "../jwt/ring-report.ts";

/** A store that several boards are in, and that can be cut off from all of them or lose what it has. */
export class MemoryBoardStore {
  readonly rings = new Map<string, { readonly text: string; readonly untilMs: number }>();
  readonly revocations = new Map<string, { readonly one: Revocation; readonly place: number }>();
  places = 0;

  lose(): void {
    this.rings.clear();
    this.revocations.clear();
    this.places = 0;
  }
}

/** How long a ring is shown. */
const SHOWN_MS = 15_000;

/** A board in memory: every answer takes a turn of the loop, as that of a real store does. */
export class MemoryBoard implements Board {
  readonly #store: MemoryBoardStore;
  readonly #clock: Clock;
  /** Further ones are refused past this many. */
  limit: number;
  #onUp: (() => void) | null = null;
  #isUp: boolean;

  constructor(store: MemoryBoardStore, clock: Clock, isUp = true, limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
    this.#store = store;
    this.#clock = clock;
    this.#isUp = isUp;
  }

  get isUp(): boolean {
    return this.#isUp && this.#onUp !== null;
  }

  start(onUp: () => void): void {
    this.#onUp = onUp;
    if (this.#isUp) onUp();
  }

  cut(): void {
    this.#isUp = false;
  }

  reconnect(): void {
    this.#isUp = true;
    this.#onUp?.();
  }

  async look(own: RingReport, after: number): Promise<BoardNews> {
    await this.#away();
    const { rings, revocations, places } = this.#store;
    const nowMs = this.#clock.nowMs();
    this.#forgetEnded();
    rings.set(own.server, { text: ringReportText(own), untilMs: nowMs + SHOWN_MS });
    for (const [id, { untilMs }] of rings) if (untilMs <= nowMs) rings.delete(id);
    return {
      rings: [...rings.values()].flatMap(({ text }) => readRingReport(text) ?? []),
      revocations: [...revocations.values()].flatMap(({ one, place }) => (place > after ? [one] : [])),
      upTo: places,
    };
  }

  async write(added: readonly Revocation[]): Promise<boolean> {
    await this.#away();
    const { revocations } = this.#store;
    this.#forgetEnded();
    const fresh = added.filter((one) => !revocations.has(idOf(one)));
    if (revocations.size + fresh.length > this.limit) return false;
    for (const one of added) {
      const id = idOf(one);
      const held = revocations.get(id)?.one ?? { untilMs: 0, issuedBeforeS: 0 };
      const untilMs = Math.max(one.untilMs, held.untilMs);
      const issuedBeforeS = Math.max(one.issuedBeforeS, held.issuedBeforeS);
      if (untilMs === held.untilMs && issuedBeforeS === held.issuedBeforeS) continue;
      this.#store.places += 1;
      revocations.set(id, { one: { ...one, untilMs, issuedBeforeS }, place: this.#store.places });
    }
    return true;
  }

  async stop(own: RingReport): Promise<void> {
    this.#store.rings.delete(own.server);
    this.#onUp = null;
  }

  #forgetEnded(): void {
    const { revocations } = this.#store;
    const nowMs = this.#clock.nowMs();
    for (const [id, { one }] of revocations) if (one.untilMs <= nowMs) revocations.delete(id);
  }

  async #away(): Promise<void> {
    await null;
    if (!this.#isUp) throw new Error("the store is away");
  }
}

function idOf({ by, value }: Revocation): string {
  return `${by} ${value}`;
}
