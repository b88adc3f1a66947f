import type { Engine } from "@hawser/core/engine/engine";
import type { Metrics } from "@hawser/core/metrics/registry";
import { residentBytes } from "../drivers/process.ts";

/** Reads what is not counted as it happens: clients, streams, memory. */
export function gaugeRefresher(engine: Engine, metrics: Metrics): () => void {
  const clients = metrics.gauge("clients_num");
  const uniqueClients = metrics.gauge("clients_uniq_num");
  const streams = metrics.gauge("broadcast_streams_num");
  const pendingDisconnects = metrics.gauge("disconnect_queue_size");
  const memory = metrics.gauge("mem_sys_bytes");
  metrics.gauge("goroutines_num").set(1);
  return () => {
    const population = engine.population();
    clients.set(population.clients);
    uniqueClients.set(population.uniqueClients);
    streams.set(population.streams);
    pendingDisconnects.set(population.pendingDisconnects);
    memory.set(residentBytes());
  };
}
