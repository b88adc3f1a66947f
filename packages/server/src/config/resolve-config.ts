import type { HmacHex } from "@hawser/core/options";
import { deriveKey } from "@hawser/core/signed/derive";
import { ADMIN } from "../admin/options.ts";
import { adaptersOf, BROADCAST } from "../broadcast/options.ts";
import { BROKER } from "../broker/options.ts";
import { parseNatsAddress } from "../drivers/nats/nats-address.ts";
import { cores } from "../drivers/process.ts";
import { parseRedisAddress, type RedisAddress, SENTINEL_PORT } from "../drivers/redis/redis-address.ts";
import { REVOCATION } from "../keys/revocation/options.ts";
import { PUBSUB } from "../pubsub/options.ts";
import { GRPC } from "../rpc/grpc/options.ts";
import { DISCONNECT, RPC } from "../rpc/options.ts";
import { LOG, METRICS } from "../telemetry/options.ts";
import { SERVER } from "../transports/http/options.ts";
import { SSE } from "../transports/sse/options.ts";
import { PINGS, WEBSOCKET } from "../transports/websocket/options.ts";
import { EMBEDDED_NATS, natsGateways, natsListen } from "./embedded-nats-options.ts";
import { GENERAL, SHUTDOWN } from "./general-options.ts";
import { NATS } from "./nats-options.ts";
import { type OptionValues, sectionOf } from "./option-values.ts";
import { REDIS } from "./redis-options.ts";
import { resolveJwt } from "./resolve-jwt.ts";
import type { ResolvedConfig } from "./resolved-config.ts";
import type { SecretFiles } from "./secret-files.ts";
import { broadcastSecret, httpRpcSecret, usableSecret } from "./settle.ts";
import { STREAMS } from "./streams-options.ts";

/** The settled options in the shape that the code reads. */
export function resolveConfig(
  { values, issuerSecrets, paths }: SecretFiles,
  hmacHex: HmacHex,
): ResolvedConfig {
  const general = sectionOf(values, GENERAL);
  return {
    nodeId: emptyToNull(general.nodeId),
    public: general.public,
    auth: { noAuth: general.noAuth },
    server: resolveServer(values),
    websocket: resolveWebSocket(values),
    heartbeat: sectionOf(values, PINGS),
    sse: resolveSse(values),
    jwt: resolveJwt(values, general.secret, issuerSecrets),
    revocation: resolveRevocation(values),
    secretFiles: paths,
    streams: resolveStreams(values, general.secret),
    rpc: resolveRpc(values, hmacHex),
    disconnect: resolveDisconnect(values),
    broadcast: resolveBroadcast(values, general.public, hmacHex),
    broker: resolveBroker(values),
    pubSub: resolvePubSub(values),
    nats: resolveNats(values),
    embeddedNats: resolveEmbeddedNats(values),
    redis: resolveRedis(values),
    shutdown: resolveShutdown(values),
    log: resolveLog(values),
    metrics: resolveMetrics(values),
    admin: { socketPath: emptyToNull(sectionOf(values, ADMIN).socketPath) },
  };
}

function emptyToNull(text: string): string | null {
  return text === "" ? null : text;
}

function resolveServer(values: OptionValues): ResolvedConfig["server"] {
  const { sslCert, sslKey, readyPath, workers, ...server } = sectionOf(values, SERVER);
  const tls = sslCert === "" ? null : { certPath: sslCert, keyPath: sslKey };
  return {
    ...server,
    workers: workers === "auto" ? cores() : workers,
    readyPath: emptyToNull(readyPath),
    tls,
  };
}

function resolveWebSocket(values: OptionValues): ResolvedConfig["websocket"] {
  const { readBufferBytes: _read, writeBufferBytes: _write, ...websocket } = sectionOf(values, WEBSOCKET);
  return websocket;
}

function resolveRevocation(values: OptionValues): ResolvedConfig["revocation"] {
  const { file, maxTtlS, limit } = sectionOf(values, REVOCATION);
  return { filePath: emptyToNull(file), maxTtlMs: maxTtlS * 1000, limit };
}

function resolveSse(values: OptionValues): ResolvedConfig["sse"] {
  const { enabled, path } = sectionOf(values, SSE);
  return { path: enabled ? path : null };
}

function resolveStreams(values: OptionValues, appSecret: string): ResolvedConfig["streams"] {
  const streams = sectionOf(values, STREAMS);
  const { streamsSecret, turboSecret, cableReadySecret } = streams;
  const ownOr = (own: string, otherwise: string | null) => (own === "" ? otherwise : usableSecret(own));
  const secret = ownOr(streamsSecret, usableSecret(appSecret));
  return {
    public: streams.publicStreams,
    pubsubChannel: emptyToNull(streams.pubsubChannel),
    secret,
    whisper: streams.whisper,
    presence: streams.presence,
    turboSecret: streams.turbo ? ownOr(turboSecret, secret) : null,
    cableReadySecret: streams.cableReady ? ownOr(cableReadySecret, secret) : null,
  };
}

/** Of one attempt over HTTP, where nothing else is said (anycable rpc/config.go@1.6.16). */
const HTTP_RPC_TIMEOUT_MS = 3000;

function resolveRpc(values: OptionValues, hmacHex: HmacHex): ResolvedConfig["rpc"] {
  const { rpcHost, rpcImpl, noRpc: _noRpc, ...rpc } = sectionOf(values, RPC);
  const { enableTls, tlsRootCa, ...grpc } = sectionOf(values, GRPC);
  const secret = rpcImpl === "http" ? httpRpcSecret(values) : null;
  return {
    ...rpc,
    kind: rpcImpl === "" ? "grpc" : rpcImpl,
    host: rpcHost,
    grpc: { ...grpc, enableTls: enableTls || tlsRootCa !== "", tlsRootCa: emptyToNull(tlsRootCa) },
    http: {
      secret: secret?.derived ? deriveKey(secret.text, "rpc", hmacHex) : (secret?.text ?? null),
      secretDerived: secret?.derived ?? false,
      requestTimeoutMs: rpc.requestTimeoutMs || HTTP_RPC_TIMEOUT_MS,
    },
  };
}

function resolveDisconnect(values: OptionValues): ResolvedConfig["disconnect"] {
  const { mode, ratePerS, backlog } = sectionOf(values, DISCONNECT);
  return { mode, ratePerS, backlog };
}

function resolveBroadcast(
  values: OptionValues,
  isPublic: boolean,
  hmacHex: HmacHex,
): ResolvedConfig["broadcast"] {
  const {
    adapters,
    redisChannel,
    natsChannel,
    redisStream,
    redisGroup,
    redisBlockMs,
    httpPort,
    httpPath,
    cors,
    corsHosts,
  } = sectionOf(values, BROADCAST);
  const { allowedOrigins } = sectionOf(values, SERVER);
  const secret = isPublic ? null : broadcastSecret(values);
  const key = secret?.derived ? deriveKey(secret.text, "broadcast", hmacHex) : (secret?.text ?? null);
  return {
    adapters: adaptersOf(adapters),
    redisChannel,
    natsChannel,
    redisStream: { stream: redisStream, group: redisGroup, blockMs: redisBlockMs },
    key,
    keyDerived: secret?.derived ?? false,
    port: httpPort,
    path: httpPath,
    corsHosts: cors ? (corsHosts.length > 0 ? corsHosts : allowedOrigins) : null,
  };
}

function resolveBroker(values: OptionValues): ResolvedConfig["broker"] {
  const { adapter, ...broker } = sectionOf(values, BROKER);
  return { ...broker, adapter: adapter === "" ? "none" : adapter };
}

function resolvePubSub(values: OptionValues): ResolvedConfig["pubSub"] {
  const { adapter, ...channels } = sectionOf(values, PUBSUB);
  return { ...channels, adapter: adapter === "" ? "none" : adapter };
}

function resolveNats(values: OptionValues): ResolvedConfig["nats"] {
  const { servers, inOrder, credentialsPath, tlsCaPath, tlsCertPath, tlsKeyPath } = sectionOf(values, NATS);
  const parsed = parseNatsAddress(servers);
  // The option has checked it.
  if (!parsed.ok) throw new Error(`an address that its option took ${parsed.why}`);
  return {
    ...{ address: parsed.value, inOrder },
    credentialsPath: emptyToNull(credentialsPath),
    tls: { caPath: emptyToNull(tlsCaPath), client: clientPair(tlsCertPath, tlsKeyPath) },
  };
}

function resolveEmbeddedNats(values: OptionValues): ResolvedConfig["embeddedNats"] {
  const { enabled, address, clusterAddress, clusterName, routes, name, jetStream, storeFolder, ...rest } =
    sectionOf(values, EMBEDDED_NATS);
  const listen = natsListen(address);
  const clusterListen = natsListen(clusterAddress);
  const gatewayListen = natsListen(rest.gatewayAddress);
  if (!enabled || listen === null) return null;
  const all = routes.split(",").filter((route) => route !== "");
  return {
    listen,
    cluster: clusterListen === null ? null : { name: clusterName, listen: clusterListen, routes: all },
    gateway:
      gatewayListen === null
        ? null
        : {
            ...{ name: clusterName, listen: gatewayListen, advertise: emptyToNull(rest.gatewayAdvertise) },
            gateways: natsGateways(rest.gateways) ?? [],
          },
    name: emptyToNull(name),
    maxPayloadBytes: rest.maxPayloadBytes,
    jetStreamFolder: jetStream ? storeFolder : null,
    debug: rest.debug,
    trace: rest.trace,
  };
}

function resolveRedis(values: OptionValues): ResolvedConfig["redis"] {
  const { url, sentinels, keepaliveMs, tlsVerify, tlsCaPath, tlsCertPath, tlsKeyPath } = sectionOf(
    values,
    REDIS,
  );
  return {
    address: addressOf(url),
    sentinels: sentinels === "" ? null : addressOf(sentinels, SENTINEL_PORT),
    keepaliveMs,
    tls: {
      verify: tlsVerify,
      caPath: emptyToNull(tlsCaPath),
      client: clientPair(tlsCertPath, tlsKeyPath),
    },
  };
}

/** What this server shows of itself; null for nothing. That there are both is checked elsewhere. */
function clientPair(certPath: string, keyPath: string) {
  return certPath === "" ? null : { certPath, keyPath };
}

/** The option has checked it. */
function addressOf(text: string, defaultPort?: number): RedisAddress {
  const parsed = parseRedisAddress(text, defaultPort);
  if (!parsed.ok) throw new Error(`an address that its option took ${parsed.why}`);
  return parsed.value;
}

function resolveShutdown(values: OptionValues): ResolvedConfig["shutdown"] {
  const { timeoutMs, delayMs, disconnectRatePerS } = sectionOf(values, SHUTDOWN);
  return { timeoutMs, delayMs, disconnectRatePerS };
}

function resolveLog(values: OptionValues): ResolvedConfig["log"] {
  const { level, format } = sectionOf(values, LOG);
  return { level, format };
}

function resolveMetrics(values: OptionValues): ResolvedConfig["metrics"] {
  const { httpPath, ...metrics } = sectionOf(values, METRICS);
  return { ...metrics, httpPath: emptyToNull(httpPath) };
}
