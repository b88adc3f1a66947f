import type { Board } from "@hawser/core/broker/board";
import { BoardKeeper } from "@hawser/core/broker/board-keeper";
import type { Engine } from "@hawser/core/engine/engine";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import { type RingReport, ringDifference } from "@hawser/core/jwt/ring-report";
import { type DifferingServer, RingWatch } from "@hawser/core/jwt/ring-watch";
import type { Log } from "@hawser/core/log";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { OtherServer } from "../admin/admin-client.ts";
import { systemClock } from "../drivers/clock.ts";
import { machineName, pid } from "../drivers/process.ts";
import { systemRandom } from "../drivers/random.ts";
import type { ServerKeys } from "./server-keys.ts";

/** What this server and the others that share its broker know of each other. */
export interface SharedBoard {
  /** Resolves when what others have revoked is in force here, or when that has taken too long. */
  start(): Promise<void>;
  revoked(changed: readonly Revocation[], isFirst: boolean): void;
  /** What the others have shown of late. */
  others(): readonly OtherServer[];
  stop(): Promise<void>;
}

export interface SharedBoardParts {
  readonly engine: Engine;
  readonly keys: ServerKeys;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly graceMs: number;
  /** Told of revocations that were taken over, for other threads that have clients. */
  readonly onTakenOver: (taken: readonly Revocation[]) => void;
}

/** How long a start waits for the revocations of others. */
const PATIENCE_MS = 5_000;
const SERVER_ID_LENGTH = 11;

export function shareBoard(board: Board, parts: SharedBoardParts): SharedBoard {
  const { engine, keys, metrics, graceMs, onTakenOver } = parts;
  const log = parts.log.with({ context: "keys" });
  const server = systemRandom.id(SERVER_ID_LENGTH);
  const name = `${machineName} (pid ${pid})`;
  const servers = metrics.gauge("cluster_servers_num");
  const differing = metrics.gauge("cluster_servers_with_other_keys_num");
  const ring = (): RingReport => ({ server, name, ...keys.marks() });
  const watch = new RingWatch({
    ...{ clock: systemClock, graceMs },
    onDiffer: (others) => log.warn(differText(others)),
    onAgree: () => log.info("all servers have the same keys again"),
    onNewKeys: (other) => {
      log.debug("another server has new keys: looking at our own", { server: other.name });
      void keys.reload(false);
    },
  });
  const keeper = new BoardKeeper({
    ...{ board, log, clock: systemClock, ring },
    inForce: engine.revocations.inForce,
    takeOver(found) {
      const taken = engine.takeOver(found);
      if (taken.length > 0) onTakenOver(taken);
    },
    onRings(own, rings) {
      watch.look(own, rings);
      servers.set(rings.length);
      differing.set(watch.differing.length);
    },
  });
  const stopFollowing = keys.holder.onSwap(() => keeper.ringChanged());
  return {
    start: () => keeper.start(PATIENCE_MS),
    revoked: (changed, isFirst) => keeper.revoked(changed, isFirst),
    others: () => {
      const own = ring();
      return keeper.rings.flatMap((other) => (other.server === server ? [] : [otherServer(own, other)]));
    },
    stop() {
      stopFollowing();
      return keeper.stop();
    },
  };
}

function otherServer(own: RingReport, other: RingReport): OtherServer {
  const { name, takenMs, keys, passing } = other;
  const { missingHere, missingThere } = ringDifference(own, other) ?? { missingHere: [], missingThere: [] };
  return { name, keysSince: new Date(takenMs).toISOString(), keys, passing, missingHere, missingThere };
}

/** One line, however many they are. */
function differText(servers: readonly DifferingServer[]): string {
  const each = servers.map(({ report, missingThere, missingHere, sinceMs }) => {
    const lacks = missingThere.length === 0 ? [] : [`lacks ${missingThere.join(", ")}, which this one has`];
    const has = missingHere.length === 0 ? [] : [`has ${missingHere.join(", ")}, which this one lacks`];
    return `${report.name} ${[...lacks, ...has].join(", and ")} (since ${timeText(sinceMs)})`;
  });
  return (
    `servers have different keys: ${each.join("; ")}: a deploy updated one server and not the other; give all of them the ` +
    "same, then hawser keys reload, or a restart where they come from the environment"
  );
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
