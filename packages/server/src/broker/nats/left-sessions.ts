import type { PresenceEvent } from "@hawser/core/broker/presence";
import type { Cancel, Clock } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { KeptAttendance } from "./presence-keys.ts";
import type { PresenceStore } from "./presence-store.ts";
import type { SignsOfLife } from "./signs-of-life.ts";

export interface LeftSessionsParts {
  readonly store: PresenceStore;
  readonly signs: SignsOfLife;
  readonly clock: Clock;
  /** By the clock of NATS. */
  readonly time: Pick<Clock, "nowMs">;
  readonly log: Log;
}

export type OnLeft = (stream: string, event: PresenceEvent) => void;

const SWEEP_MS = 1_000;
/** Sessions that are seen to at a time. */
const AT_A_TIME = 100;

/** Sees to the sessions of servers that are gone without a word: first their time begins, then they are taken out. */
export class LeftSessions {
  readonly #ttlMs: number;
  readonly #parts: LeftSessionsParts;
  readonly #onLeft: OnLeft;
  readonly #cancel: Cancel;
  #sweeping = false;

  constructor(ttlMs: number, parts: LeftSessionsParts, onLeft: OnLeft) {
    this.#ttlMs = ttlMs;
    this.#parts = parts;
    this.#onLeft = onLeft;
    this.#cancel = parts.clock.every(SWEEP_MS, () => void this.#sweep());
  }

  stop(): void {
    this.#cancel();
  }

  async #sweep(): Promise<void> {
    const { store, signs, log } = this.#parts;
    if (this.#sweeping || !signs.isFirst) return;
    this.#sweeping = true;
    try {
      for (const server of [...store.view.servers()]) {
        if (!signs.isSilent(server)) continue;
        const keys = store.view.attendancesOf(server);
        for (let from = 0; from < keys.length && signs.isSilent(server); from += AT_A_TIME) {
          await Promise.all(keys.slice(from, from + AT_A_TIME).map((key) => this.#end(key)));
        }
      }
    } catch (thrown) {
      log.warn("sessions of servers that are gone are still present", { error: messageOf(thrown) });
    } finally {
      this.#sweeping = false;
    }
  }

  async #end(key: string): Promise<void> {
    const { store, time } = this.#parts;
    const seen = store.view.attendance(key);
    if (seen === null) return;
    const { kept, revision } = seen;
    const nowMs = time.nowMs();
    // Where its server is there after all and has changed it, that counts.
    if (kept.endsAtMs === null)
      await store.putAttendance({ ...kept, endsAtMs: nowMs + this.#ttlMs }, revision);
    else if (kept.endsAtMs <= nowMs) await takeOut(store, kept, this.#onLeft);
  }
}

/** Takes a session out of wherever it is. Whoever of several servers takes the last one out tells of it. */
export async function takeOut(
  store: PresenceStore,
  { sid, places }: Pick<KeptAttendance, "sid" | "places">,
  onLeft: OnLeft,
): Promise<void> {
  await Promise.all(
    places.map(async (place) => {
      const wasLast = await store.exit(sid, place);
      if (wasLast) onLeft(place.stream, { type: "leave", id: place.id });
    }),
  );
  await store.removeAttendance(sid);
}
