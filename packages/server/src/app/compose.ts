import type { Answer } from "@hawser/core/broker/answer";
import type { Broker } from "@hawser/core/broker/broker";
import { Engine } from "@hawser/core/engine/engine";
import { type FailedAuths, MemoryFailedAuths } from "@hawser/core/engine/failed-auths";
import type { RevokeResult } from "@hawser/core/engine/revoke";
import { type MismatchWatch, SecretsMismatch } from "@hawser/core/engine/secrets-mismatch";
import { LIMITS } from "@hawser/core/limits";
import type { Log } from "@hawser/core/log";
import { createLogSampler, type LogSampler } from "@hawser/core/log-sampler";
import type { MetricGroup } from "@hawser/core/metrics/catalog";
import { createMetrics, type Metrics } from "@hawser/core/metrics/registry";
import type { RevokeCommand } from "@hawser/core/protocol/revoke-command";
import { NULL_BACKEND } from "@hawser/core/rpc/null-backend";
import type { Topics } from "@hawser/core/session/connection";
import type { Broadcaster } from "../broadcast/broadcaster.ts";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import { LinkBook } from "../drivers/link-book.ts";
import { systemRandom } from "../drivers/random.ts";
import type { Nodes } from "../pubsub/nodes.ts";
import type { RemoteBackend } from "../rpc/calls/remote-backend.ts";
import { EventTopics } from "../transports/sse/event-topics.ts";
import type { SocketData } from "../transports/websocket/websocket-transport.ts";
import { admissionPolicy } from "./admission.ts";
import { createBroadcasters } from "./broadcasters.ts";
import { createBroker, isBrokerShared } from "./broker.ts";
import { channelRouter } from "./channels.ts";
import { createEmbeddedNats, type EmbeddedNats } from "./embedded-nats.ts";
import { gaugeRefresher } from "./gauges.ts";
import type { PlacedRoute } from "./listeners.ts";
import { createNodes } from "./nodes.ts";
import { remoteBackend } from "./remote-backend.ts";
import { type ReadRevocations, readRevocations } from "./revocations.ts";
import { placeRoutes } from "./routes.ts";
import type { ControlSeat, Seat } from "./seat.ts";
import { type Reconfigure, ServerKeys } from "./server-keys.ts";
import { type SharedBoard, shareBoard } from "./shared-board.ts";
import type { Stage } from "./stage.ts";
import { TokenUse } from "./token-use.ts";

/** The parts of a server, made and connected, with nothing opened yet. */
export interface Composition {
  readonly engine: Engine;
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
  /** Whether the application seems to sign with another secret. */
  readonly mismatch: MismatchWatch;
}

/** The engine is made before the listener that fans its frames out. */
export interface LateTopics extends Topics {
  target: Topics | null;
}

const SAMPLED_LINES = { perWindow: 20, windowMs: 1000 } as const;

const METRIC_GROUPS: Readonly<Record<ResolvedConfig["rpc"]["kind"], readonly MetricGroup[]>> = {
  none: ["node"],
  http: ["node", "rpc"],
  grpc: ["node", "rpc", "grpc"],
};

/**
 * @param seat null for a server of one thread.
 * @param links those of the whole server, where some were made before.
 */
export function compose(
  config: ResolvedConfig,
  log: Log,
  reconfigure: Reconfigure,
  seat: Seat | null = null,
  links: LinkBook = new LinkBook(systemClock, log),
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
  const mismatch = mismatchWatch(keys, metrics, log, seat);
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
  const nodes = seat?.nodes ?? createNodes(config, log, links);
  const outer = seat?.kind === "control" ? seat.outer : nodes;
  const broker =
    seat?.kind === "connections"
      ? seat.broker
      : createBroker(config, { clock: systemClock, random: systemRandom, log, outer, links });
  const engine = new Engine(
    {
      admission: admissionPolicy(config, {
        published: seat?.kind === "connections" ? seat.published : keys.published,
        ...{ keys, use: tokenUse, revocations: revocations.book, mismatch, metrics, log },
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
      sessionsTtlMs: config.broker.sessionsTtlMs,
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
      failedAuths: failedAuths(config, seat),
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
  const publish = (text: string) => engine.publish(text);
  const stage: Stage = { now: "starting" };
  const refreshGauges = gaugeRefresher({ engine, metrics, remote, keys, tokenUse, links });
  const shownMetrics = seat?.kind === "control" ? seat.addMetrics(metrics, metricGroups(config)) : metrics;
  const refreshMetrics = seat?.kind === "control" ? () => measured(refreshGauges, seat) : refreshGauges;
  return {
    engine,
    embeddedNats: config.embeddedNats === null ? null : createEmbeddedNats(config.embeddedNats, log),
    nodes,
    broadcasters: createBroadcasters(
      config,
      engine,
      seat?.kind === "control" ? seat.nodes : engine,
      log,
      links,
    ),
    broker,
    keys,
    tokenUse,
    metrics,
    remote,
    routes: placeRoutes(config, {
      engine,
      publish: seat?.kind === "control" ? seat.publisher(publish) : publish,
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
    mismatch,
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

function failedAuths({ server }: ResolvedConfig, seat: Seat | null): FailedAuths | null {
  const { maxFailedAuths: maxPerMinute } = server;
  if (maxPerMinute === 0) return null;
  return seat?.kind === "connections"
    ? seat.failedAuths(maxPerMinute)
    : new MemoryFailedAuths(systemClock, { maxPerMinute });
}

function mismatchWatch(keys: ServerKeys, metrics: Metrics, log: Log, seat: Seat | null): MismatchWatch {
  if (seat?.kind === "connections") return seat.mismatch;
  return new SecretsMismatch({
    ...{ metrics, clock: systemClock, log: log.with({ context: "jwt" }), ourKey: () => keys.ourKey() },
    ...(seat?.kind === "control" ? { onChange: seat.secretsDiffer } : {}),
  });
}
