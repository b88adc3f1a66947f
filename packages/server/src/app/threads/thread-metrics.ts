import type { Engine } from "@hawser/core/engine/engine";
import type { MetricName } from "@hawser/core/metrics/catalog";
import { createMetrics, type Metrics } from "@hawser/core/metrics/registry";
import { addSnapshot, clearMetrics, type MetricsSnapshot, snapshotOf } from "@hawser/core/metrics/snapshot";
import { textHash } from "../../drivers/text-hash.ts";

/** What the control thread alone can count: every thread hears it, or it is the process's. */
const CONTROL_COUNTS: ReadonlySet<MetricName> = new Set([
  ...(["broadcast_msg_total", "remote_commands_total", "failed_broadcast_msg_total"] as const),
  ...(["revocations_total", "revocations_num", "mem_sys_bytes", "jwt_ring_reloads_total"] as const),
  ...(["jwks_fetches_total", "jwks_age_seconds", "connection_threads_died_total"] as const),
  ...(["link_up"] as const),
  ...(["cluster_servers_num", "cluster_servers_with_other_keys_num"] as const),
]);

/** What is counted by names, as one may be known to several threads. */
const BY_NAME: ReadonlySet<MetricName> = new Set(["clients_uniq_num", "broadcast_streams_num"] as const);

/** Of which the sum says nothing. */
const GREATEST: ReadonlySet<MetricName> = new Set([
  "jwt_secret_mismatch",
  "jwt_key_last_used_timestamp_seconds",
] as const);

/** Gauges of what is there; a thread that has died has nothing. */
const PRESENT: ReadonlySet<MetricName> = new Set([
  ...(["clients_num", "sse_clients_num", "disconnect_queue_size", "rpc_pending_num"] as const),
  ...(["grpc_active_conn_num", "goroutines_num"] as const),
]);

/** What a connection thread tells of itself. */
export interface ThreadMeasures {
  readonly metrics: MetricsSnapshot;
  /** Hashes of the identifiers of its clients, and of the names of its streams. */
  readonly clients: Float64Array;
  readonly streams: Float64Array;
}

export function measuresOf(metrics: Metrics, engine: Engine): ThreadMeasures {
  const clients = new Set<number>();
  for (const { state, identifiers } of engine.sessions.values()) {
    if (state === "open") clients.add(textHash(identifiers));
  }
  const streams = Float64Array.from(engine.hub.streams(), textHash);
  const isWanted = (name: MetricName) => !CONTROL_COUNTS.has(name) && !BY_NAME.has(name);
  return { metrics: snapshotOf(metrics, isWanted), clients: Float64Array.from(clients), streams };
}

/** The metrics of the server: those of the control thread and of all connection threads, also of those that have died. */
export class ServerMetrics {
  /** For who shows them; as they were at the last `gather`. */
  readonly shown: Metrics;
  readonly #own: Metrics;
  readonly #latest = new Map<number, ThreadMeasures>();
  readonly #died: MetricsSnapshot[] = [];

  constructor(own: Metrics, groups: Parameters<typeof createMetrics>[0]) {
    this.#own = own;
    this.shown = createMetrics(groups);
  }

  told(thread: number, measures: ThreadMeasures): void {
    this.#latest.set(thread, measures);
  }

  /** What it had counted stays, as far as it was told. */
  died(thread: number): void {
    this.#own.counter("connection_threads_died_total").add();
    const last = this.#latest.get(thread);
    if (last === undefined) return;
    this.#latest.delete(thread);
    const { numbers, histograms } = last.metrics;
    this.#died.push({ numbers: numbers.filter(({ name }) => !PRESENT.has(name)), histograms });
    this.#fold();
  }

  gather(): void {
    clearMetrics(this.shown);
    const add = (snapshot: MetricsSnapshot) => addSnapshot(this.shown, snapshot, GREATEST);
    add(snapshotOf(this.#own, () => true));
    for (const snapshot of this.#died) add(snapshot);
    const clients = new Set<number>();
    const streams = new Set<number>();
    for (const measures of this.#latest.values()) {
      add(measures.metrics);
      for (const hash of measures.clients) clients.add(hash);
      for (const hash of measures.streams) streams.add(hash);
    }
    this.shown.gauge("clients_uniq_num").set(clients.size);
    this.shown.gauge("broadcast_streams_num").set(streams.size);
  }

  /** However many die, one snapshot is kept. */
  #fold(): void {
    const sum = createMetrics(undefined);
    for (const snapshot of this.#died) addSnapshot(sum, snapshot, GREATEST);
    this.#died.splice(
      0,
      this.#died.length,
      snapshotOf(sum, (name) => !PRESENT.has(name)),
    );
  }
}
