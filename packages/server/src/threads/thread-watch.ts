import type { Cancel, Clock } from "@hawser/core/clock";

export interface ThreadWatchParts {
  readonly clock: Clock;
  /** Asks the thread for a sign of life; rejects when it has ended. */
  readonly ask: () => Promise<unknown>;
  /** Called once, when it has been silent for too long. */
  readonly onSilent: (silentMs: number) => void;
}

const ASK_EVERY_MS = 1_000;
/** A thread that answers later than that is not busy but hangs: it has not ended a turn in all that time. */
export const SILENCE_MS = 15_000;

/**
 * Notices a thread that hangs, by asking it regularly.
 *
 * @returns stops it.
 */
export function watchThread({ clock, ask, onSilent }: ThreadWatchParts): Cancel {
  let waits = false;
  let silentMs = 0;
  let lookedMs = clock.monotonicMs();
  const cancel = clock.every(ASK_EVERY_MS, () => {
    const nowMs = clock.monotonicMs();
    // Where this thread did not get to look, the process was stopped, and the other has not had the time either.
    const passedMs = Math.min(nowMs - lookedMs, 2 * ASK_EVERY_MS);
    lookedMs = nowMs;
    if (!waits) {
      waits = true;
      silentMs = 0;
      ask().then(() => {
        waits = false;
      }, cancel);
      return;
    }
    silentMs += passedMs;
    if (silentMs < SILENCE_MS) return;
    cancel();
    onSilent(silentMs);
  });
  return cancel;
}
