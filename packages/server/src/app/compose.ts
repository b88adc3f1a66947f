import type { Answer } from "@hawser/core/broker/answer";
import type { Broker } from "@hawser/core/broker/broker";
import { AcceptRate } from "@hawser/core/engine/accept-rate";
import { Engine } from "@hawser/core/engine/engine";
import { FailedAuths } from "@hawser/core/engine/failed-auths";
import type { RevokeResult } from "@hawser/core/engine/revoke";
import { LIMITS } from "@hawser/core/limits";
import type { Log } from "@hawser/core/log";
import { createLogSampler, type LogSampler } from "@hawser/core/log-sampler";
import type { MetricGroup } from "@hawser/core/metrics/catalog";
import { createMetrics, type Metrics } from "@hawser/core/metrics/registry";
import { corsHeaders } from "@hawser/core/protocol/cors";
import type { RevokeCommand } from "@hawser/core/protocol/revoke-command";
import { NULL_BACKEND } from "@hawser/core/rpc/null-backend";
import type { Topics } from "@hawser/core/session/connection";
import type { Broadcaster } from "../broadcast/broadcaster.ts";
import { httpBroadcaster } from "../broadcast/http/http-broadcaster.ts";
import { refusedPublicationFields } from "../broadcast/refused-publication.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { createAddressBook } from "../drivers/addresses.ts";
import { systemClock } from "../drivers/clock.ts";
import { hmacHex } from "../drivers/crypto.ts";
import { equalSecrets } from "../drivers/equal-secrets.ts";
import type { Route } from "../drivers/http.ts";
import { openFileLimit } from "../drivers/process.ts";
import { systemRandom } from "../drivers/random.ts";
import type { Nodes } from "../pubsub/nodes.ts";
import type { RemoteBackend } from "../rpc/calls/remote-backend.ts";
import { SecretCheck } from "../rpc/calls/secret-check.ts";
import { createGrpcBackend } from "../rpc/grpc/grpc-backend.ts";
import { createHttpBackend } from "../rpc/http/http-backend.ts";
import { healthRoute, readyRoute } from "../telemetry/health.ts";
import { metricsEndpoint } from "../telemetry/prometheus.ts";
import { ClientRequests, type ClientRequestsParts } from "../transports/http/client-requests.ts";
import { TurnAway } from "../transports/http/turn-away.ts";
import { EventTopics } from "../transports/sse/event-topics.ts";
import { sseTransport } from "../transports/sse/sse-transport.ts";
import { type SocketData, webSocketTransport } from "../transports/websocket/websocket-transport.ts";
import { admissionPolicy } from "./admission.ts";
import { createBroadcasters } from "./broadcasters.ts";
import { createBroker, isBrokerShared } from "./broker.ts";
import { channelRouter } from "./channels.ts";
import { createEmbeddedNats, type EmbeddedNats } from "./embedded-nats.ts";
import { gaugeRefresher } from "./gauges.ts";
import type { PlacedRoute } from "./listeners.ts";
import { createNodes } from "./nodes.ts";
import { type ReadRevocations, readRevocations } from "./revocations.ts";
import type { ControlSeat, Seat } from "./seat.ts";
import { type Reconfigure, ServerKeys } from "./server-keys.ts";
import { type SharedBoard, shareBoard } from "./shared-board.ts";
import { TokenUse } from "./token-use.ts";

/** The parts of a server, made and connected, with nothing opened yet. */
export interface Composition {
  readonly engine: Engine;
  /** Null with none. */
  /** Null where no NATS is to run beside this server. */
  readonly embeddedNats: EmbeddedNats | null;
  /** The other servers; null where this one is alone. */
  readonly nodes: Nodes | null;
  /** Where publications come from beside the listeners. */
  readonly broadcasters: readonly Broadcaster[];
  readonly broker: Broker | null;
  readonly keys: ServerKeys;
  readonly tokenUse: TokenUse;
  readonly metrics: Metrics;
  /** Null with `--norpc`. */
  readonly remote: RemoteBackend | null;
  readonly routes: readonly PlacedRoute<SocketData>[];
  /** Those of the whole server; `metrics` unless there are several threads. */
  readonly shownMetrics: Metrics;
  /** Brings the gauges of this thread up to date. */
  readonly refreshGauges: () => void;
  /** When a token of the key was last taken by any thread; of several, to the second and as of the last `refreshMetrics`. */
  readonly lastUsedMs: (keyName: string) => number | null;
  /** Takes back tokens, and says how many connections were closed in the whole server. */
  readonly revoke: (command: RevokeCommand) => Answer<RevokeResult>;
  /** Null where servers share nothing. */
  readonly board: SharedBoard | null;
  /** Brings what is shown up to date. */
  readonly refreshMetrics: () => void | Promise<void>;
  readonly stage: Stage;
  /** Where the engine publishes to, once the listeners are open. */
  readonly topics: LateTopics;
  /** For lines that clients can cause at will. */
  readonly sampled: LogSampler["write"];
  readonly closeSampler: () => void;
  readonly revocations: ReadRevocations;
}

/** Where the server stands in its life. */
export interface Stage {
  /** `leaving`: still serving, but not to be sent more clients; `draining`: takes none. */
  now: "starting" | "serving" | "leaving" | "draining";
}

/** The engine is made before the listener that fans its frames out. */
export interface LateTopics extends Topics {
  target: Topics | null;
}

/** Descriptors that are not clients: listeners, files, the backend's connections, a 503 on its way out. */
const RESERVED_DESCRIPTORS = 200;

/**
 * A client that vanished without a word takes no pings and so ends nothing: one that wants none (`?pi=0`) would be kept
 * for ever. The reference's runtime finds out by TCP, in about as long.
 */
const SOCKET_SILENCE_S = 120;

const SAMPLED_LINES = { perWindow: 20, windowMs: 1000 } as const;

const METRIC_GROUPS: Readonly<Record<ResolvedConfig["rpc"]["kind"], readonly MetricGroup[]>> = {
  none: ["node"],
  http: ["node", "rpc"],
  grpc: ["node", "rpc", "grpc"],
};

/** @param seat null for a server of one thread. */
export function compose(
  config: ResolvedConfig,
  log: Log,
  reconfigure: Reconfigure,
  seat: Seat | null = null,
): Composition {
  const metrics = createMetrics(metricGroups(config));
  const sampler = createLogSampler({
    clock: systemClock,
    log: log.with({ context: "node" }),
    ...SAMPLED_LINES,
  });
  const keys = new ServerKeys(config, {
    ...{ clock: systemClock, log: log.with({ context: "keys" }), reconfigure },
    reloads: metrics.labelled("jwt_ring_reloads_total"),
    fetches: metrics.labelled("jwks_fetches_total"),
    ...seat?.keys,
  });
  const tokenUse = new TokenUse(metrics, systemClock);
  const revocations = readRevocations(config, (changed, isFirst) => board?.revoked(changed, isFirst));
  const asksNobody = config.rpc.kind === "none" || seat?.kind === "control";
  const remote = asksNobody ? null : remoteBackend(config, keys, metrics, log);
  const topics: LateTopics = {
    target: null,
    publish: (topic, frame, compress) => {
      eventTopics?.publish(topic, frame);
      return topics.target?.publish(topic, frame, compress) ?? 0;
    },
  };
  const eventTopics = config.sse.path === null ? null : new EventTopics();
  const broker =
    seat?.kind === "connections"
      ? seat.broker
      : createBroker(config.broker, { clock: systemClock, random: systemRandom, log });
  const nodes = seat?.nodes ?? createNodes(config, log);
  const engine = new Engine(
    {
      admission: admissionPolicy(config, {
        published: seat?.kind === "connections" ? seat.published : keys.published,
        ...{ keys, use: tokenUse, revocations: revocations.book, metrics, log },
      }),
      expiry: config.jwt.expiry,
      disconnectMode: config.disconnect.mode,
      disconnectRatePerS: config.disconnect.ratePerS,
      disconnectBacklog: config.disconnect.backlog,
      shutdownRatePerS: config.shutdown.disconnectRatePerS,
      // Half of the call slots at most: the clients that stay need the others.
      disconnectsAtOnce: Math.max(1, Math.floor(config.rpc.concurrency / 2)),
      // A quarter of them: what is only compared must wait for what is needed.
      shadowConnectsAtOnce: Math.max(1, Math.floor(config.rpc.concurrency / 4)),
      maxSubscriptions: config.websocket.maxSubscriptions,
      maxPendingCommands: config.websocket.maxPendingCommands,
      maxCommandsPerS: config.websocket.maxCommandsPerS,
      maxPendingCommandBytes: Math.max(LIMITS.maxPendingCommandBytes, 4 * config.websocket.maxMessageBytes),
      maxPendingBytes: config.websocket.maxPendingBytes,
      writeTimeoutMs: config.websocket.writeTimeoutMs,
      resumeVerify: config.broker.resumeVerify,
      nativePings: config.heartbeat.nativePings,
      compress: config.websocket.compression,
    },
    {
      backend: remote ?? NULL_BACKEND,
      broker,
      pubSub: nodes,
      router: channelRouter(config.streams, keys),
      topics,
      clock: systemClock,
      random: systemRandom,
      log: log.with({ context: "node" }),
      metrics,
      revocations: revocations.book,
      failedAuths: failedAuths(config),
      sampled: sampler.write,
    },
  );
  const board =
    broker?.board === undefined
      ? null
      : shareBoard(broker.board, {
          ...{ engine, keys, metrics, log, graceMs: config.jwt.differAfterMs },
          onTakenOver: (taken) => seat?.kind === "control" && seat.takeOver(taken),
        });
  const stage: Stage = { now: "starting" };
  const refreshGauges = gaugeRefresher({ engine, metrics, remote, keys, tokenUse });
  const shownMetrics = seat?.kind === "control" ? seat.addMetrics(metrics, metricGroups(config)) : metrics;
  const refreshMetrics = seat?.kind === "control" ? () => measured(refreshGauges, seat) : refreshGauges;
  return {
    engine,
    embeddedNats: config.embeddedNats === null ? null : createEmbeddedNats(config.embeddedNats, log),
    nodes,
    broadcasters: createBroadcasters(config, engine, log),
    broker,
    keys,
    tokenUse,
    metrics,
    remote,
    routes: placeRoutes(config, {
      engine,
      keys,
      metrics,
      shownMetrics,
      remote,
      log,
      stage,
      refreshMetrics,
      sampled: sampler.write,
      eventTopics,
      nodes,
      isFull: seat?.kind === "connections" ? seat.isFull : null,
      backendAnswered:
        seat?.kind === "control" ? seat.backendAnswered : () => remote === null || remote.hasAnswered(),
    }),
    shownMetrics,
    refreshGauges,
    lastUsedMs:
      seat?.kind === "control" ? lastUsedIn(shownMetrics) : (keyName) => tokenUse.lastUsedMs(keyName),
    revoke: (command) =>
      seat?.kind === "control" ? seat.countRevoked(() => engine.revoke(command)) : engine.revoke(command),
    board,
    refreshMetrics,
    stage,
    topics,
    sampled: sampler.write,
    closeSampler: sampler.close,
    revocations,
  };
}

function lastUsedIn(shown: Metrics): Composition["lastUsedMs"] {
  const cells = shown.labelled("jwt_key_last_used_timestamp_seconds");
  return (keyName) => {
    const { value } = cells.cell([keyName]);
    return value === 0 ? null : value * 1000;
  };
}

function measured(refreshGauges: () => void, { measure }: ControlSeat): Promise<void> {
  refreshGauges();
  return measure();
}

/** What is not in use shows no metrics. */
function metricGroups({ rpc, sse, server, broker }: ResolvedConfig): readonly MetricGroup[] {
  const groups = [...METRIC_GROUPS[rpc.kind]];
  if (sse.path !== null) groups.push("sse");
  if (server.workers > 1) groups.push("threads");
  if (isBrokerShared(broker)) groups.push("cluster");
  return groups;
}

function remoteBackend(config: ResolvedConfig, keys: ServerKeys, metrics: Metrics, log: Log): RemoteBackend {
  const { rpc } = config;
  const secrets = new SecretCheck(log.with({ context: "rpc" }));
  const compare = () => secrets.use(keys.ownSecrets());
  compare();
  keys.holder.onSwap(compare);
  const options = {
    ...rpc.grpc,
    host: rpc.host,
    concurrency: rpc.concurrency,
    commandTimeoutMs: rpc.commandTimeoutMs,
    requestTimeoutMs: rpc.requestTimeoutMs,
    proxyHeaders: rpc.proxyHeaders,
    proxyCookies: rpc.proxyCookies,
    log: log.with({ context: "rpc" }),
    clock: systemClock,
    meter: {
      calls: metrics.counter("rpc_call_total"),
      retries: metrics.counter("rpc_retries_total"),
      errors: metrics.counter("rpc_error_total"),
      timeouts: metrics.counter("rpc_timeout_total"),
      canceled: metrics.counter("rpc_canceled_total"),
      pending: metrics.gauge("rpc_pending_num"),
    },
    secrets,
  };
  if (rpc.kind !== "http") return createGrpcBackend(options);
  if (rpc.http.secretDerived) {
    options.log.info("auto-generated authorization secret from the application secret");
  }
  const { requestTimeoutMs } = rpc.http;
  return createHttpBackend({ ...options, requestTimeoutMs, secret: () => keys.rpcSecret() });
}

function failedAuths({ server }: ResolvedConfig): FailedAuths | null {
  const { maxFailedAuths: maxPerMinute } = server;
  return maxPerMinute === 0 ? null : new FailedAuths(systemClock, { maxPerMinute });
}

interface RouteParts {
  readonly engine: Engine;
  readonly keys: ServerKeys;
  readonly metrics: Metrics;
  readonly remote: RemoteBackend | null;
  readonly log: Log;
  readonly stage: Stage;
  readonly shownMetrics: Metrics;
  readonly refreshMetrics: () => void | Promise<void>;
  readonly sampled: LogSampler["write"];
  readonly eventTopics: EventTopics | null;
  readonly nodes: Nodes | null;
  readonly isFull: ClientRequestsParts["isFull"];
  readonly backendAnswered: () => boolean;
}

/** The WebSocket route comes last: its patterns may take in the paths of the others, which are exact (go-chi/chi v5). */
function placeRoutes(config: ResolvedConfig, parts: RouteParts): PlacedRoute<SocketData>[] {
  const { server, broadcast, metrics } = config;
  const main = { host: server.host, port: server.port, hostOption: "--host", portOption: "--port" };
  const placed: PlacedRoute<SocketData>[] = [{ ...main, route: healthRoute(server.healthPath) }];
  if (server.readyPath !== null)
    placed.push({ ...main, route: readyRoute(server.readyPath, readiness(parts)), forwardable: true });
  if (metrics.httpPath !== null) {
    const { httpPath: path, tags, host, port } = metrics;
    const route = metricsEndpoint<SocketData>(path, parts.shownMetrics, tags, parts.refreshMetrics);
    const at = { host, port, hostOption: "--metrics_host", portOption: "--metrics_port" };
    placed.push({ ...at, route, forwardable: true });
  }
  if (broadcast.adapters.includes("http")) {
    const { path, key, port, corsHosts } = broadcast;
    const cors = corsHosts === null ? null : corsHeaders(corsHosts);
    const route = httpBroadcaster<SocketData>(
      { path, keys: key === null ? null : () => parts.keys.broadcastKeys(), cors },
      {
        engine: parts.engine,
        equalSecrets,
        onRefused: (presented, key) => {
          const fields = refusedPublicationFields(presented, key, hmacHex);
          parts.sampled("info", "publication_refused", "publication refused", fields);
        },
      },
    );
    placed.push({ ...main, port, portOption: "--http_broadcast_port", route, forwardable: true });
  }
  const requests = clientRequests(config, parts);
  const events = eventRoute(config, parts, requests);
  if (events !== null) placed.push({ ...main, route: events });
  placed.push({ ...main, ...webSocketRoute(config, parts, requests) });
  return placed;
}

function eventRoute(
  { server, heartbeat, sse }: ResolvedConfig,
  { engine, eventTopics, log, metrics }: RouteParts,
  requests: ClientRequests,
): Route<SocketData> | null {
  if (sse.path === null || eventTopics === null) return null;
  const { pingIntervalMs, pingPrecision } = heartbeat;
  return sseTransport(
    { path: sse.path, cors: corsHeaders(server.allowedOrigins), pingIntervalMs, pingPrecision },
    { engine, requests, topics: eventTopics, log, clients: metrics.gauge("sse_clients_num") },
  );
}

function webSocketRoute(
  config: ResolvedConfig,
  parts: RouteParts,
  requests: ClientRequests,
): Pick<PlacedRoute<SocketData>, "route" | "sockets"> {
  const { server, websocket, heartbeat, jwt } = config;
  const { route, handler } = webSocketTransport(
    {
      paths: websocket.paths,
      allowedOrigins: server.allowedOrigins,
      tokens: jwt.enabled,
      firstMessage: jwt.enabled && jwt.firstMessage,
      ...heartbeat,
    },
    { engine: parts.engine, requests, log: parts.log.with({ context: "ws" }) },
  );
  return {
    route,
    sockets: {
      handler,
      maxMessageBytes: websocket.maxMessageBytes,
      // Past what `too_slow` is said at: for a burst that comes between two looks at the queues.
      maxQueuedBytes: websocket.maxPendingBytes * 4,
      compression: websocket.compression,
      silenceS: SOCKET_SILENCE_S,
    },
  };
}

function clientRequests(config: ResolvedConfig, parts: RouteParts): ClientRequests {
  const { server, jwt, rpc } = config;
  return new ClientRequests(
    {
      maxConnections: connectionLimit(server.maxConnections),
      jwtParam: jwt.enabled ? jwt.param : null,
      strictTokens: jwt.strict,
      proxyHeaders: rpc.proxyHeaders,
      proxyCookies: rpc.proxyCookies,
      trustRequestId: server.trustRequestId,
    },
    {
      engine: parts.engine,
      random: systemRandom,
      log: parts.log.with({ context: "ws" }),
      clientAddress:
        server.trustedProxies.length === 0 ? null : createAddressBook(server.trustedProxies).clientAddress,
      turnAway: turnAway(config, parts),
      accepting: () => parts.stage.now !== "draining",
      isFull: parts.isFull,
    },
  );
}

/** Null with no limits: then no connection pays for them. */
function turnAway(config: ResolvedConfig, { engine, metrics, sampled }: RouteParts): TurnAway | null {
  const { failedAuths } = engine;
  const { acceptRatePerS } = config.server;
  if (failedAuths === null && acceptRatePerS === 0) return null;
  return new TurnAway({
    failedAuths,
    acceptRate: acceptRatePerS === 0 ? null : new AcceptRate(systemClock, acceptRatePerS),
    refused: metrics.labelled("refused_connections_total"),
    sampled,
    random: systemRandom,
  });
}

/** At the limit of open files the runtime spins and answers nobody; a 503 needs a descriptor to go out on. */
function connectionLimit(configured: number): number {
  const limit = openFileLimit();
  if (limit === null) return configured;
  const bearable = Math.max(1, limit - RESERVED_DESCRIPTORS);
  return configured === 0 ? bearable : Math.min(configured, bearable);
}

/** What has worked once is not looked at again: what all servers share would take all of them away together. */
function readiness({ stage, backendAnswered, nodes }: RouteParts): () => string | null {
  return () => {
    if (stage.now === "starting") return "starting";
    if (stage.now !== "serving") return "draining";
    if (!backendAnswered()) return "the RPC backend has not answered yet";
    return nodes !== null && !nodes.hasBeenUp ? "pub/sub has not connected yet" : null;
  };
}
