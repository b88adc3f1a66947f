import type { Option } from "@hawser/core/options";
import { BROADCAST } from "../broadcast/options.ts";
import { BROKER } from "../broker/options.ts";
import { PUBSUB } from "../pubsub/options.ts";
import { GRPC } from "../rpc/grpc/options.ts";
import { RPC } from "../rpc/options.ts";
import { SERVER } from "../transports/http/options.ts";
import { PINGS } from "../transports/websocket/options.ts";
import { GENERAL, PRESETS_NOT_SERVED } from "./general-options.ts";
import { NATS } from "./nats-options.ts";
import { type Findings, type OptionValues, placeOf, sourcedOf, valueIn } from "./option-values.ts";
import { REDIS } from "./redis-options.ts";
import type { ResolvedConfig } from "./resolved-config.ts";
import { STREAMS } from "./streams-options.ts";
import { checkTokens } from "./token-checks.ts";

/** What is wrong with options that are right each by itself. Takes the settled values and what became of them. */
export function crossCheck(values: OptionValues, config: ResolvedConfig): Findings {
  const tokens = checkTokens(values, config);
  return {
    errors: [
      ...tokens.errors,
      ...halfOfTls(values, SERVER.options.sslCert, SERVER.options.sslKey),
      ...halfOfTls(values, REDIS.options.tlsCertPath, REDIS.options.tlsKeyPath),
      ...halfOfTls(values, NATS.options.tlsCertPath, NATS.options.tlsKeyPath),
      ...uselessBackend(values, config),
      ...sharedPaths(config),
      ...idsOfOthers(values, config),
      ...brokerApartFromPubSub(values, config),
    ],
    warnings: [
      ...tokens.warnings,
      ...presetsNotServed(values),
      ...pongsWithoutPings(values, config),
      ...verificationWithoutTls(values, config),
      ...originsWithScheme(config),
      ...keyInPublic(values, config),
      ...secretThatIsNone(values, config),
      ...channelsWithoutSecret(values, config),
      ...secretsWithoutChannel(values),
      ...historyOfOneOfSeveral(values, config),
    ],
  };
}

/** The others would have to be asked whether there is a session of this id, and a request does not wait for that. */
function idsOfOthers(values: OptionValues, { server, broker }: ResolvedConfig): string[] {
  if (!server.trustRequestId) return [];
  const { workers, trustRequestId } = SERVER.options;
  const place = placeOf(values, trustRequestId);
  if (server.workers > 1)
    return [`${place} does not go with several threads (${placeOf(values, workers)}): drop one of them`];
  if (broker.adapter === "none" || broker.adapter === "memory") return [];
  const adapter = placeOf(values, BROKER.options.adapter);
  return [`${place} does not go with a broker that servers share (${adapter}): drop one of them`];
}

/** What such a broker keeps it hands on in the same step, so that all servers hear a stream in one order. */
function brokerApartFromPubSub(values: OptionValues, { broker, pubSub }: ResolvedConfig): string[] {
  const { adapter } = broker;
  if ((adapter !== "redis" && adapter !== "nats") || pubSub.adapter === adapter) return [];
  return [
    `${placeOf(values, BROKER.options.adapter)} is ${adapter}, and ${placeOf(values, PUBSUB.options.adapter)} is ` +
      `${pubSub.adapter}: servers that have their history there hear of it there, so leave pubsub out`,
  ];
}

function halfOfTls(values: OptionValues, cert: Option<string>, key: Option<string>): string[] {
  const hasCert = valueIn(values, cert) !== "";
  if (hasCert === (valueIn(values, key) !== "")) return [];
  const [given, missing] = hasCert ? [cert, key] : [key, cert];
  return [`${placeOf(values, given)} is set without ${missing.flag}: TLS needs both, so set both or neither`];
}

function uselessBackend(values: OptionValues, { rpc }: ResolvedConfig): string[] {
  const { rpcHost, afterJwt, rpcImpl } = RPC.options;
  if (rpc.kind === "none") {
    if (rpc.afterJwt === "off") return [];
    return [
      `${placeOf(values, afterJwt)} is ${rpc.afterJwt}, but ${placeOf(values, rpcImpl)} leaves nobody to ask: drop one of them`,
    ];
  }
  const place = placeOf(values, rpcHost);
  if (rpc.host === "")
    return [
      `${place} is empty: name the gRPC service as host:port, an HTTP endpoint by its URL, or set norpc`,
    ];
  const isUrl = /^https?:\/\//i.test(rpc.host);
  if (isUrl === (rpc.kind === "http")) return [];
  const impl = placeOf(values, rpcImpl);
  return [
    isUrl
      ? `${place} is the URL of an HTTP endpoint, and ${impl} is ${rpc.kind}: leave rpc_impl out, or name a gRPC service`
      : `${impl} is http, and ${place} is no URL: it has to begin with http:// or https://`,
  ];
}

/** Two endpoints at one place would hide each other. */
function sharedPaths({ server, websocket, broadcast, metrics }: ResolvedConfig): string[] {
  const main = `${server.host}:${server.port}`;
  const endpoints: (readonly [option: string, listener: string, path: string | null])[] = [
    ...websocket.paths.map((path) => ["path", main, path] as const),
    ["health-path", main, server.healthPath],
    ["ready-path", main, server.readyPath],
    ["http_broadcast_path", `${server.host}:${broadcast.port}`, broadcast.path],
    ["metrics_http", `${metrics.host}:${metrics.port}`, metrics.httpPath],
  ];
  const errors: string[] = [];
  const owners = new Map<string, string>();
  for (const [option, listener, path] of endpoints) {
    if (path === null) continue;
    const place = `${listener}${path}`;
    const owner = owners.get(place);
    if (owner === undefined) owners.set(place, option);
    else if (owner !== option) errors.push(`${owner} and ${option} are both ${path} on one port: change one`);
  }
  return errors;
}

function presetsNotServed(values: OptionValues): string[] {
  const { presets } = GENERAL.options;
  const idle = valueIn(values, presets).filter((name) => PRESETS_NOT_SERVED.includes(name));
  if (idle.length === 0) return [];
  return [`${placeOf(values, presets)} has presets that this version does not serve: ${idle.join(", ")}`];
}

function pongsWithoutPings(values: OptionValues, { heartbeat }: ResolvedConfig): string[] {
  if (heartbeat.pongTimeoutMs === 0 || heartbeat.pingIntervalMs > 0) return [];
  const { pongTimeoutMs, pingIntervalMs } = PINGS.options;
  return [
    `${placeOf(values, pongTimeoutMs)} has no effect: ${placeOf(values, pingIntervalMs)} is 0, so there are no pings`,
  ];
}

function verificationWithoutTls(values: OptionValues, { rpc }: ResolvedConfig): string[] {
  if (rpc.grpc.tlsVerify || rpc.grpc.enableTls || /^https:/i.test(rpc.host)) return [];
  return [`${placeOf(values, GRPC.options.tlsVerify)} has no effect without rpc_enable_tls`];
}

function originsWithScheme({ server }: ResolvedConfig): string[] {
  return server.allowedOrigins
    .filter((origin) => origin.includes("/"))
    .map(
      (origin) =>
        `allowed_origins holds ${JSON.stringify(origin)}, which matches nothing: name the host alone`,
    );
}

function keyInPublic(values: OptionValues, config: ResolvedConfig): string[] {
  if (!config.public || sourcedOf(values, BROADCAST.options.broadcastKey).source === "default") return [];
  const { where } = sourcedOf(values, BROADCAST.options.broadcastKey);
  return [`${where} has no effect: ${placeOf(values, GENERAL.options.public)} opens the broadcast endpoint`];
}

/** The reference asks for the key that comes of the word, which whoever knows of it can work out. */
function secretThatIsNone(values: OptionValues, { broadcast, public: isPublic }: ResolvedConfig): string[] {
  const { secret } = GENERAL.options;
  if (valueIn(values, secret) !== "none" || isPublic || !broadcast.adapters.includes("http")) return [];
  if (broadcast.key !== null || valueIn(values, BROADCAST.options.broadcastKey) !== "") return [];
  return [
    `${placeOf(values, secret)} is none, so whoever reaches port ${broadcast.port} may publish (AnyCable asks for a key that it ` +
      `derives from the word): set ${BROADCAST.options.broadcastKey.flag}, or none there as well if that is meant`,
  ];
}

/** The reference leaves the channel to the application too, and says nothing. */
function channelsWithoutSecret(values: OptionValues, { streams }: ResolvedConfig): string[] {
  const { turbo, turboSecret, cableReady, cableReadySecret } = STREAMS.options;
  const channels = [
    { feature: turbo, own: turboSecret, secret: streams.turboSecret },
    { feature: cableReady, own: cableReadySecret, secret: streams.cableReadySecret },
  ];
  return channels
    .filter(({ feature, secret }) => valueIn(values, feature) && secret === null)
    .map(
      ({ feature, own }) =>
        `${placeOf(values, feature)} has no effect without a secret (${own.flag}, streams_secret or secret): ` +
        "its streams are left to the application",
    );
}

function secretsWithoutChannel(values: OptionValues): string[] {
  const { turbo, turboSecret, cableReady, cableReadySecret } = STREAMS.options;
  return [
    { feature: turbo, own: turboSecret },
    { feature: cableReady, own: cableReadySecret },
  ]
    .filter(({ feature, own }) => valueIn(values, own) !== "" && !valueIn(values, feature))
    .map(({ feature, own }) => `${placeOf(values, own)} has no effect without ${feature.flag}`);
}

/** The reference says nothing either, and confirms a history that has nothing of what other servers took. */
function historyOfOneOfSeveral(values: OptionValues, { broker, pubSub }: ResolvedConfig): string[] {
  if (broker.adapter !== "memory" || broker.historyLimit === 0 || pubSub.adapter === "none") return [];
  return [
    `${placeOf(values, BROKER.options.adapter)} keeps what is published to this server alone: with several of them clients ` +
      `that come back can miss messages and not be told; set --${BROKER.options.adapter.flag}=redis, or ` +
      `--${PUBSUB.options.adapter.flag}=none if there is only this one`,
  ];
}
