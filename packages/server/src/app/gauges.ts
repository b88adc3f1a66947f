import type { Engine } from "@hawser/core/engine/engine";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { LinkBook } from "../drivers/link-book.ts";
import { residentBytes } from "../drivers/process.ts";
import type { RemoteBackend } from "../rpc/calls/remote-backend.ts";
import type { ServerKeys } from "./server-keys.ts";
import type { TokenUse } from "./token-use.ts";

export interface GaugeSources {
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly remote: RemoteBackend | null;
  readonly keys: ServerKeys;
  readonly tokenUse: TokenUse;
  readonly links: LinkBook;
}

/** Reads what is not counted as it happens: clients, streams, history, presence, connections to the backend, memory, the use of keys. */
export function gaugeRefresher({ engine, metrics, remote, keys, tokenUse, links }: GaugeSources): () => void {
  const clients = metrics.gauge("clients_num");
  const uniqueClients = metrics.gauge("clients_uniq_num");
  const streams = metrics.gauge("broadcast_streams_num");
  const historyStreams = metrics.gauge("history_streams_num");
  const historyMessages = metrics.gauge("history_messages_num");
  const presenceStreams = metrics.gauge("presence_streams_num");
  const presenceSessions = metrics.gauge("presence_sessions_num");
  const pendingDisconnects = metrics.gauge("disconnect_queue_size");
  const revocations = metrics.gauge("revocations_num");
  const memory = metrics.gauge("mem_sys_bytes");
  const backendConnections = metrics.gauge("grpc_active_conn_num");
  const linksUp = metrics.labelled("link_up");
  const ages = metrics.labelled("jwks_age_seconds");
  metrics.gauge("goroutines_num").set(1);
  return () => {
    const population = engine.population();
    clients.set(population.clients);
    uniqueClients.set(population.uniqueClients);
    streams.set(population.streams);
    const kept = engine.broker?.history?.size();
    historyStreams.set(kept?.streams ?? 0);
    historyMessages.set(kept?.messages ?? 0);
    const present = engine.broker?.presence?.size();
    presenceStreams.set(present?.streams ?? 0);
    presenceSessions.set(present?.sessions ?? 0);
    pendingDisconnects.set(population.pendingDisconnects);
    backendConnections.set(remote?.activeConnections() ?? 0);
    revocations.set(engine.revocations.inForce.size);
    memory.set(residentBytes());
    tokenUse.refresh(keys.holder.current());
    for (const { to, use, isUp } of links.states()) linksUp.cell([to, use]).value = isUp ? 1 : 0;
    ages.clear();
    for (const [issuer, ageS] of keys.published?.ages() ?? [])
      if (ageS !== null) ages.cell([issuer]).value = ageS;
  };
}
