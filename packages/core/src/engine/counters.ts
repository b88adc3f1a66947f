import type { Counter, LabelledCells, Metrics } from "../metrics/registry.ts";

/** The numbers that the engine itself writes, looked up once: the hot path adds to a field. */
export interface EngineCounters {
  readonly clientMessages: Counter;
  readonly failedClientMessages: Counter;
  readonly bytesReceived: Counter;
  readonly serverMessages: Counter;
  readonly failedServerMessages: Counter;
  readonly timedOutServerMessages: Counter;
  readonly bytesSent: Counter;
  readonly failedAuths: Counter;
  readonly slowClients: Counter;
  readonly publications: Counter;
  readonly failedPublications: Counter;
  readonly broadcasts: Counter;
  readonly remoteCommands: Counter;
  readonly verifications: LabelledCells<"jwt_verifications_total">;
  readonly revocations: LabelledCells<"revocations_total">;
  readonly resumes: LabelledCells<"session_resumes_total">;
  readonly disconnects: LabelledCells<"disconnects_total">;
  readonly historyRequests: LabelledCells<"history_requests_total">;
  readonly historyMessages: Counter;
  readonly missedStreams: LabelledCells<"missed_streams_total">;
}

export function engineCounters(metrics: Metrics): EngineCounters {
  return {
    clientMessages: metrics.counter("client_msg_total"),
    failedClientMessages: metrics.counter("failed_client_msg_total"),
    bytesReceived: metrics.counter("data_rcvd_total"),
    serverMessages: metrics.counter("server_msg_total"),
    failedServerMessages: metrics.counter("failed_server_msg_total"),
    timedOutServerMessages: metrics.counter("timeout_server_msg_total"),
    bytesSent: metrics.counter("data_sent_total"),
    failedAuths: metrics.counter("failed_auths_total"),
    slowClients: metrics.counter("disconnected_slow_clients_total"),
    publications: metrics.counter("publications_total"),
    failedPublications: metrics.counter("failed_broadcast_msg_total"),
    broadcasts: metrics.counter("broadcast_msg_total"),
    remoteCommands: metrics.counter("remote_commands_total"),
    verifications: metrics.labelled("jwt_verifications_total"),
    revocations: metrics.labelled("revocations_total"),
    resumes: metrics.labelled("session_resumes_total"),
    disconnects: metrics.labelled("disconnects_total"),
    historyRequests: metrics.labelled("history_requests_total"),
    historyMessages: metrics.counter("history_messages_total"),
    missedStreams: metrics.labelled("missed_streams_total"),
  };
}
