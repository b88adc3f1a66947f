import type { Clock } from "../clock.ts";
import { type RingDifference, type RingReport, ringDifference } from "./ring-report.ts";

/** A server whose keys are other ones than this server's. */
export interface DifferingServer extends RingDifference {
  readonly report: RingReport;
  /** Wall time. */
  readonly sinceMs: number;
}

export interface RingWatchOptions {
  readonly clock: Clock;
  /** How long rings may differ while new keys go from server to server. */
  readonly graceMs: number;
  /** Servers that have differed for longer than that; each is told once, unless its keys or ours change meanwhile. */
  readonly onDiffer: (servers: readonly DifferingServer[]) => void;
  /** After that: no server differs any more. */
  readonly onAgree: () => void;
  /** A server has keys that it did not have before, and neither has this one. */
  readonly onNewKeys: (report: RingReport) => void;
}

interface Seen {
  readonly sinceMs: number;
  readonly dueMs: number;
  /** What of it was told; null before. */
  told: string | null;
}

/** Compares the key rings of servers that serve the same clients: a token should be taken by all of them or by none. */
export class RingWatch {
  readonly #options: RingWatchOptions;
  /** Those that differ, by their ids. */
  readonly #seen = new Map<string, Seen>();
  /** When each server took its keys, as it said last. */
  readonly #taken = new Map<string, number>();
  #late: readonly DifferingServer[] = [];
  #wasTold = false;

  constructor(options: RingWatchOptions) {
    this.#options = options;
  }

  /** Servers that have differed for longer than new keys take to come to all. */
  get differing(): readonly DifferingServer[] {
    return this.#late;
  }

  /** Takes what is known by now. To be called often: time is looked at here. */
  look(own: RingReport, others: readonly RingReport[]): void {
    const { clock, graceMs, onDiffer, onAgree, onNewKeys } = this.#options;
    const nowMs = clock.monotonicMs();
    const ids = new Set(others.map(({ server }) => server));
    for (const map of [this.#seen, this.#taken])
      for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    const late: DifferingServer[] = [];
    const news: DifferingServer[] = [];
    for (const report of others) {
      const difference = report.server === own.server ? null : ringDifference(own, report);
      const isNew = this.#taken.get(report.server) !== report.takenMs;
      this.#taken.set(report.server, report.takenMs);
      if (isNew && difference !== null && difference.missingHere.length > 0) onNewKeys(report);
      if (difference === null) {
        this.#seen.delete(report.server);
        continue;
      }
      const seen = this.#seen.get(report.server) ?? {
        ...{ sinceMs: clock.nowMs(), dueMs: nowMs + graceMs, told: null },
      };
      this.#seen.set(report.server, seen);
      if (nowMs < seen.dueMs) continue;
      const server = { report, sinceMs: seen.sinceMs, ...difference };
      late.push(server);
      const what = JSON.stringify(difference);
      if (seen.told !== what) news.push(server);
      seen.told = what;
    }
    this.#late = late;
    if (news.length > 0) {
      this.#wasTold = true;
      onDiffer(news);
    } else if (this.#wasTold && this.#seen.size === 0) {
      this.#wasTold = false;
      onAgree();
    }
  }
}
