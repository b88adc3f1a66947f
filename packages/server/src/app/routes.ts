import type { Answer } from "@hawser/core/broker/answer";
import { AcceptRate } from "@hawser/core/engine/accept-rate";
import type { Engine } from "@hawser/core/engine/engine";
import type { PublishResult } from "@hawser/core/engine/publish";
import type { Log } from "@hawser/core/log";
import type { LogSampler } from "@hawser/core/log-sampler";
import type { Metrics } from "@hawser/core/metrics/registry";
import { corsHeaders } from "@hawser/core/protocol/cors";
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
import { healthRoute, readyRoute } from "../telemetry/health.ts";
import { metricsEndpoint } from "../telemetry/prometheus.ts";
import { ClientRequests, type ClientRequestsParts } from "../transports/http/client-requests.ts";
import { TurnAway } from "../transports/http/turn-away.ts";
import type { EventTopics } from "../transports/sse/event-topics.ts";
import { sseTransport } from "../transports/sse/sse-transport.ts";
import { type SocketData, webSocketTransport } from "../transports/websocket/websocket-transport.ts";
import type { PlacedRoute } from "./listeners.ts";
import type { ServerKeys } from "./server-keys.ts";
import type { Stage } from "./stage.ts";

/** Descriptors that are not clients: listeners, files, the backend's connections, a 503 on its way out. */
const RESERVED_DESCRIPTORS = 200;

/**
 * A client that vanished without a word takes no pings and so ends nothing: one that wants none (`?pi=0`) would be kept
 * for ever. The reference's runtime finds out by TCP, in about as long.
 */
const SOCKET_SILENCE_S = 120;

export interface RouteParts {
  readonly engine: Engine;
  /** Takes what is published by HTTP. */
  readonly publish: (text: string) => Answer<PublishResult>;
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
export function placeRoutes(config: ResolvedConfig, parts: RouteParts): PlacedRoute<SocketData>[] {
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
        publish: parts.publish,
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
