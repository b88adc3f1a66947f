/** When a metric exists at all: a server without a backend shows no `rpc_*` (anycable rpc/rpc.go@1.6.16). */
export type MetricGroup = "node" | "rpc" | "grpc" | "sse" | "threads" | "cluster";

interface CounterRow {
  readonly type: "counter";
  readonly group: MetricGroup;
  readonly help: string;
}

interface GaugeRow {
  readonly type: "gauge";
  readonly group: MetricGroup;
  readonly help: string;
}

interface LabelledRow {
  readonly type: "counter" | "gauge";
  readonly group: MetricGroup;
  readonly help: string;
  readonly labels: readonly [string, ...string[]];
  /** Past this many label sets further ones are counted together, so that a peer can never grow the exposition. */
  readonly maxSets: number;
}

interface HistogramRow {
  readonly type: "histogram";
  readonly group: MetricGroup;
  readonly help: string;
  readonly labels?: readonly [string, ...string[]];
  /** As of other metrics with labels. */
  readonly maxSets?: number;
  /** Upper ends, ascending; one more bucket holds the rest. */
  readonly buckets: readonly [number, ...number[]];
}

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/** Seconds since a claim's time; below 0 the issuer's clock is ahead of ours. */
const AGE_S = [-MINUTE_S, -10, -5, -2, -1, 0, 1, 2, 5, 10, MINUTE_S, 5 * MINUTE_S, HOUR_S, DAY_S] as const;

/** Issuers are configured, and few. */
const MAX_ISSUERS = 64;

const counter = (group: MetricGroup, help: string) => ({ type: "counter", group, help }) as const;
const gauge = (group: MetricGroup, help: string) => ({ type: "gauge", group, help }) as const;

/**
 * Every metric of this server, by its name without the prefix. Names and help texts are those of the reference
 * (anycable node/node.go, metrics/, rpc/rpc.go @1.6.16), so that its dashboards and alerts work unchanged; the
 * labelled ones are ours.
 */
export const METRICS = {
  // The reference counts Go routines. Dashboards draw it, so the name stays, and the help says what it counts here.
  goroutines_num: gauge("node", "The number of event loops (the counterpart of Go routines)"),
  mem_sys_bytes: gauge("node", "The total bytes of memory obtained from the OS"),
  clients_num: gauge("node", "The number of active clients"),
  clients_uniq_num: gauge("node", "The number of unique clients (with respect to connection identifiers)"),
  broadcast_streams_num: gauge("node", "The number of active broadcasting streams"),
  history_streams_num: gauge("node", "The number of streams that history knows"),
  history_messages_num: gauge("node", "The number of messages that history keeps"),
  presence_streams_num: gauge("node", "The number of streams with somebody present"),
  presence_sessions_num: gauge("node", "The number of sessions that are present on a stream"),
  sse_clients_num: gauge("sse", "The number of active SSE clients"),
  disconnect_queue_size: gauge("node", "The size of delayed disconnect"),

  connection_threads_died_total: counter(
    "threads",
    "The total number of connection threads that died and were replaced",
  ),

  failed_auths_total: counter("node", "The total number of failed authentication attempts"),
  client_msg_total: counter("node", "The total number of received messages from clients"),
  disconnected_slow_clients_total: counter("node", "The total number of disconnected slow clients"),
  failed_client_msg_total: counter("node", "The total number of unrecognized messages received from clients"),
  publications_total: counter("node", "The total number of publications received (from the application)"),
  broadcast_msg_total: counter(
    "node",
    "The total number of messages received through PubSub (for broadcast)",
  ),
  remote_commands_total: counter("node", "The total number of remote commands received through PubSub"),
  failed_broadcast_msg_total: counter(
    "node",
    "The total number of unrecognized publications received from the application",
  ),
  server_msg_total: counter("node", "The total number of messages sent to clients"),
  failed_server_msg_total: counter("node", "The total number of messages failed to send to clients"),
  timeout_server_msg_total: counter(
    "node",
    "The total number of messages failed to send to clients due to write timeouts",
  ),
  data_sent_total: counter("node", "The total amount of bytes sent to clients"),
  data_rcvd_total: counter("node", "The total amount of bytes received from clients"),

  rpc_call_total: counter("rpc", "The total number of RPC calls"),
  rpc_retries_total: counter("rpc", "The total number of RPC call retries"),
  rpc_error_total: counter("rpc", "The total number of failed RPC calls"),
  rpc_timeout_total: counter("rpc", "The total number of RPC call that timed out"),
  rpc_canceled_total: counter("rpc", "The total number of canceled RPC calls"),
  rpc_pending_num: gauge("rpc", "The number of pending RPC calls"),
  grpc_active_conn_num: gauge("grpc", "The number of active HTTP connections used by gRPC"),

  /**
   * `result` is accepted or refused, `reason` an authentication reason or none, `carrier` query, header, subprotocol,
   * message or none, `key` the configured name of the key or none.
   */
  jwt_verifications_total: {
    type: "counter",
    group: "node",
    help: "The total number of token verifications by outcome",
    labels: ["result", "reason", "carrier", "key"],
    maxSets: 512,
  },
  /** One for each key of the ring; 0 for a key of which no token was taken since the start. */
  jwt_key_last_used_timestamp_seconds: {
    type: "gauge",
    group: "node",
    help: "When a token of the key was last accepted, in seconds since the epoch",
    labels: ["key"],
    maxSets: 256,
  },
  /** Tokens that never expire are in the last bucket, and add nothing to the sum. */
  jwt_token_remaining_seconds: {
    type: "histogram",
    group: "node",
    help: "How long accepted tokens were still good for",
    buckets: [
      ...([10, 30, MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S] as const),
      ...([HOUR_S, 3 * HOUR_S, 12 * HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S] as const),
    ],
  },
  /**
   * With `--rpc_after_jwt=shadow`: `jwt` is accepted or refused; `rpc` is success, failure, other_identifiers, error,
   * unreachable or not_asked. The last three are no disagreements, and say what is not known.
   */
  auth_disagreements_total: {
    type: "counter",
    group: "rpc",
    help: "The total number of clients about whom token and application disagree, by what each said",
    labels: ["jwt", "rpc"],
    maxSets: 16,
  },
  /** `issuer` as it is configured, or none. */
  jwt_issued_ago_seconds: {
    type: "histogram",
    group: "node",
    help: "Now minus iat of well-signed tokens, in seconds; below 0 where the issuer's clock is ahead",
    labels: ["issuer"],
    maxSets: MAX_ISSUERS,
    buckets: AGE_S,
  },
  jwt_valid_since_seconds: {
    type: "histogram",
    group: "node",
    help: "Now minus nbf of well-signed tokens, in seconds; below 0 where the issuer's clock is ahead",
    labels: ["issuer"],
    maxSets: MAX_ISSUERS,
    buckets: AGE_S,
  },
  jwt_secret_mismatch: gauge("node", "1 while the application seems to sign tokens with another secret"),
  /** `result` is reloaded, unchanged or failed. */
  jwt_ring_reloads_total: {
    type: "counter",
    group: "node",
    help: "The total number of times that keys were read again, by outcome",
    labels: ["result"],
    maxSets: 8,
  },
  /** `source` is the issuer as configured, `result` ok or why not. */
  jwks_fetches_total: {
    type: "counter",
    group: "node",
    help: "The total number of fetches of published keys, by issuer and outcome",
    labels: ["source", "result"],
    maxSets: 256,
  },
  /** One for each issuer whose keys were had; `source` is the issuer as configured. */
  jwks_age_seconds: {
    type: "gauge",
    group: "node",
    help: "How long ago the published keys in force were fetched",
    labels: ["source"],
    maxSets: 64,
  },
  /** `by` is a way of revoking, `result` is taken or refused. */
  revocations_total: {
    type: "counter",
    group: "node",
    help: "The total number of revocations by kind and outcome",
    labels: ["by", "result"],
    maxSets: 16,
  },
  revocations_num: gauge("node", "The number of revocations in force"),
  cluster_servers_num: gauge(
    "cluster",
    "The number of servers that share the broker's store, this one included",
  ),
  cluster_servers_with_other_keys_num: gauge(
    "cluster",
    "The number of those whose keys have differed from this server's for longer than a rotation takes",
  ),
  /** `to` is redis or nats, `use` pubsub, broker or a broadcaster. One for each that is configured. */
  link_up: {
    type: "gauge",
    group: "node",
    help: "1 while there is a connection to Redis or NATS for this use",
    labels: ["to", "use"],
    maxSets: 16,
  },
  /** `result` is told, or rejected where a part of it would have been missing. */
  history_requests_total: {
    type: "counter",
    group: "node",
    help: "The total number of requests for history, by what became of them",
    labels: ["result"],
    maxSets: 8,
  },
  history_messages_total: counter("node", "The total number of messages sent to clients from history"),
  /** After a time without the other servers. `result` is caught_up, or lost where history could not tell. */
  missed_streams_total: {
    type: "counter",
    group: "node",
    help: "The total number of streams whose followers may have missed messages, by what became of it",
    labels: ["result"],
    maxSets: 8,
  },
  /** `result` is restored; unknown, for an id that nobody has; or denied, for the session of somebody else. */
  session_resumes_total: {
    type: "counter",
    group: "node",
    help: "The total number of clients that were let in and came for a session, by outcome",
    labels: ["result"],
    maxSets: 8,
  },
  /** Before a connection is one. `reason` is failed_auths or accept_rate. */
  refused_connections_total: {
    type: "counter",
    group: "node",
    help: "The total number of connection attempts that were refused before a session was opened, by reason",
    labels: ["reason"],
    maxSets: 8,
  },
  /** `reason` is a key of DROP_REASONS. */
  disconnects_total: {
    type: "counter",
    group: "node",
    help: "The total number of connections ended by the server, by reason",
    labels: ["reason"],
    maxSets: 64,
  },
} as const satisfies Record<string, CounterRow | GaugeRow | LabelledRow | HistogramRow>;

export type MetricName = keyof typeof METRICS;

type NamesOf<Shape> = { [N in MetricName]: (typeof METRICS)[N] extends Shape ? N : never }[MetricName];
type WithLabels = { readonly labels: readonly string[] };

/** Names of counters and gauges with labels. */
export type LabelledName = NamesOf<WithLabels & { readonly type: "counter" | "gauge" }>;

/** Names of histograms with labels. */
export type LabelledHistogramName = NamesOf<WithLabels & { readonly type: "histogram" }>;

/** Names of plain counters. */
export type CounterName = Exclude<NamesOf<{ readonly type: "counter" }>, LabelledName>;

/** Names of plain gauges. */
export type GaugeName = Exclude<NamesOf<{ readonly type: "gauge" }>, LabelledName>;

/** Names of plain histograms. */
export type HistogramName = Exclude<NamesOf<{ readonly type: "histogram" }>, LabelledHistogramName>;

type StringFor<Labels extends readonly string[]> = { readonly [K in keyof Labels]: string };

/** One string for each label of the metric, in the order of its row. */
export type LabelValues<N extends LabelledName | LabelledHistogramName> = StringFor<
  (typeof METRICS)[N]["labels"]
>;

/** Counters and gauges alone. */
export function isLabelled(name: MetricName): name is LabelledName {
  return "labels" in METRICS[name] && METRICS[name].type !== "histogram";
}

export function isHistogram(name: MetricName): name is HistogramName | LabelledHistogramName {
  return METRICS[name].type === "histogram";
}

export function isLabelledHistogram(name: MetricName): name is LabelledHistogramName {
  return "labels" in METRICS[name] && METRICS[name].type === "histogram";
}

/** Every name of the table, in its order. */
export function metricNames(): readonly MetricName[] {
  // `as`: Object.keys forgets the keys' type, and the table is a constant.
  return Object.keys(METRICS) as MetricName[];
}
