import type { Option } from "@hawser/core/options";
import { BROADCAST } from "../broadcast/options.ts";
import { BROKER } from "../broker/options.ts";
import { EXPIRY } from "../keys/expiry/options.ts";
import { JWT } from "../keys/options.ts";
import { PUBSUB } from "../pubsub/options.ts";
import { HTTP_RPC } from "../rpc/http/options.ts";
import { DISCONNECT, RPC } from "../rpc/options.ts";
import { LOG, METRICS } from "../telemetry/options.ts";
import { SERVER } from "../transports/http/options.ts";
import { EMBEDDED_NATS } from "./embedded-nats-options.ts";
import { GENERAL } from "./general-options.ts";
import { NATS } from "./nats-options.ts";
import { type AnyOption, OPTIONS } from "./option-table.ts";
import { type OptionValues, placeOf, type Sourced, sourcedOf, valueIn } from "./option-values.ts";
import { REDIS } from "./redis-options.ts";
import { STREAMS } from "./streams-options.ts";

/** Where publications are taken when nobody has to present a key: apart from the port that the public can reach. */
const OPEN_BROADCAST_PORT = 8090;

/**
 * What follows from other options, put in their places: deprecated names, shorthands, ports that depend on others.
 * What comes out can be printed and loaded again without a change (anycable cli/options.go@1.6.16, in its order).
 */
export function settle(values: OptionValues): {
  readonly values: OptionValues;
  readonly warnings: readonly string[];
} {
  const draft = new Draft(values);
  const warnings = deprecations(values);
  if (draft.get(LOG.options.debug)) draft.set(LOG.options.level, "debug", LOG.options.debug);
  settleMetrics(draft);
  settleDeprecated(draft);
  settlePresets(draft);
  settleRpc(draft, warnings);
  settleEmbeddedNats(draft);
  settleBroadcastAdapters(draft);
  settlePubSub(draft, warnings);
  settleBroadcastPort(draft);
  if (draft.get(GENERAL.options.public)) {
    draft.set(GENERAL.options.noAuth, true, GENERAL.options.public);
    draft.set(STREAMS.options.publicStreams, true, GENERAL.options.public);
  }
  return { values: draft.values, warnings };
}

function settlePresets(draft: Draft): void {
  const { presets } = GENERAL.options;
  const named = draft.get(presets);
  if (named.includes("strict")) {
    draft.set(JWT.options.strict, true, presets);
    // What is said by itself is meant.
    const { sessionExpiry } = EXPIRY.options;
    if (sourcedOf(draft.values, sessionExpiry).source === "default")
      draft.set(sessionExpiry, "close", presets);
  }
  const { adapter } = BROKER.options;
  if (named.includes("broker") && draft.get(adapter) === "") draft.set(adapter, "memory", presets);
}

function deprecations(values: OptionValues): string[] {
  const warnings: string[] = [];
  for (const option of OPTIONS) {
    const { source, where } = sourcedOf(values, option);
    if (option.deprecated === null || source === "default") continue;
    const effect = option.noEffect ? " and has no effect" : "";
    warnings.push(`${where} is deprecated${effect}: ${option.deprecated}`);
  }
  return warnings;
}

function settleDeprecated(draft: Draft): void {
  const { httpSecret, broadcastKey } = BROADCAST.options;
  if (draft.get(httpSecret) !== "") draft.set(broadcastKey, draft.get(httpSecret), httpSecret);
  const { idKey, jwtSecret, idEnforce, enforce } = JWT.options;
  if (draft.get(idKey) !== "" && draft.get(jwtSecret) === "") {
    draft.set(jwtSecret, draft.get(idKey), idKey);
  }
  if (draft.get(idEnforce)) draft.set(enforce, true, idEnforce);
  const { disableDisconnect, mode } = DISCONNECT.options;
  if (draft.get(disableDisconnect)) draft.set(mode, "never", disableDisconnect);
  settleFormerKeys(draft);
}

/** The older name of each secret wins over the newer one, and turns its feature on. */
function settleFormerKeys(draft: Draft): void {
  const { turboKey, turbo, turboSecret, cableReadyKey, cableReady, cableReadySecret } = STREAMS.options;
  for (const [former, feature, secret] of [
    [turboKey, turbo, turboSecret],
    [cableReadyKey, cableReady, cableReadySecret],
  ] as const) {
    if (draft.get(former) === "") continue;
    draft.set(feature, true, former);
    draft.set(secret, draft.get(former), former);
  }
}

function settleRpc(draft: Draft, warnings: string[]): void {
  const { noRpc, rpcHost, rpcImpl, concurrency, requestTimeoutMs } = RPC.options;
  if (draft.get(noRpc)) draft.set(rpcImpl, "none", noRpc);
  else if (draft.get(rpcImpl) === "") {
    draft.compute(rpcImpl, /^https?:\/\//i.test(draft.get(rpcHost)) ? "http" : "grpc");
  }
  const { timeoutMs } = HTTP_RPC.options;
  if (draft.get(rpcImpl) === "http" && draft.get(timeoutMs) > 0) {
    draft.set(requestTimeoutMs, draft.get(timeoutMs), timeoutMs);
  }
  const calls = draft.get(concurrency);
  if (calls > 0) return;
  const { where } = sourcedOf(draft.values, concurrency);
  warnings.push(`${where} is ${calls}, and at least one call is needed: using ${concurrency.default}`);
  draft.compute(concurrency, concurrency.default);
}

function settleMetrics(draft: Draft): void {
  const { port, host } = METRICS.options;
  if (draft.get(port) === 0) draft.compute(port, draft.get(SERVER.options.port));
  if (draft.get(host) === "") draft.compute(host, draft.get(SERVER.options.host));
}

/** Whoever starts a NATS uses it, unless told of another one. The broker is JetStream's. */
function settleEmbeddedNats(draft: Draft): void {
  const { enabled, address, jetStream } = EMBEDDED_NATS.options;
  const { servers } = NATS.options;
  if (draft.get(enabled) && draft.get(servers) === servers.default)
    draft.compute(servers, draft.get(address));
  if (draft.get(BROKER.options.adapter) === "nats") draft.set(jetStream, true, BROKER.options.adapter);
}

/** DEVIATION: D31. */
function settleBroadcastAdapters(draft: Draft): void {
  const { adapters } = BROADCAST.options;
  const { url, sentinels } = REDIS.options;
  const isLeft = sourcedOf(draft.values, adapters).source === "default";
  const isRedisGiven = [url, sentinels].some(
    (option) => sourcedOf(draft.values, option).source !== "default",
  );
  if (!isLeft || !isRedisGiven) return;
  const isBroker = draft.get(GENERAL.options.presets).includes("broker");
  draft.compute(adapters, isBroker ? ["http", "redisx", "redis"] : ["http", "redis"]);
}

/**
 * As the reference chooses: the broker's own, a place of Redis that is not the default one, or a stream of publications, which
 * one server reads.
 */
function settlePubSub(draft: Draft, warnings: string[]): void {
  const { adapter, redisChannel, natsChannel } = PUBSUB.options;
  const { url, sentinels } = REDIS.options;
  const { adapters, ...broadcast } = BROADCAST.options;
  const broker = draft.get(BROKER.options.adapter);
  if (draft.get(adapter) === "" && (broker === "redis" || broker === "nats"))
    draft.set(adapter, broker, BROKER.options.adapter);
  if (draft.get(adapter) === "") {
    const isRedisElsewhere = draft.get(url) !== url.default || draft.get(sentinels) !== "";
    if (isRedisElsewhere || draft.get(adapters).includes("redisx")) draft.compute(adapter, "redis");
  }
  if (!draft.get(adapters).includes(draft.get(adapter))) return;
  if (draft.get(adapter) === "redis") separate(draft, redisChannel, broadcast.redisChannel, warnings);
  else if (draft.get(adapter) === "nats") separate(draft, natsChannel, broadcast.natsChannel, warnings);
}

/** By one channel for both, every server would take what it passes on for a publication. */
function separate(draft: Draft, own: Option<string>, others: Option<string>, warnings: string[]): void {
  if (draft.get(own) !== draft.get(others)) return;
  const apart = `${draft.get(own)}-int`;
  warnings.push(`${placeOf(draft.values, own)} is the channel of publications as well: using ${apart}`);
  draft.compute(own, apart);
}

/** A key moves the endpoint to the main port; `--public` opens it there all the same (anycable cli/options.go). */
function settleBroadcastPort(draft: Draft): void {
  if (draft.get(BROADCAST.options.httpPort) !== 0) return;
  const guarded = broadcastSecret(draft.values) !== null;
  draft.compute(BROADCAST.options.httpPort, guarded ? draft.get(SERVER.options.port) : OPEN_BROADCAST_PORT);
}

/** The text of a secret, or null when there is none; `none` says so on purpose. */
export function usableSecret(text: string): string | null {
  return text === "" || text === "none" ? null : text;
}

/** What the broadcast key is, or is derived from. An explicit `none` also stops the derivation. */
export function broadcastSecret(
  values: OptionValues,
): { readonly text: string; readonly derived: boolean } | null {
  const own = valueIn(values, BROADCAST.options.broadcastKey);
  const text = usableSecret(own === "" ? valueIn(values, GENERAL.options.secret) : own);
  return text === null ? null : { text, derived: own === "" };
}

/** The same for what calls over HTTP present; `--public` has nothing to do with the application. */
export function httpRpcSecret(
  values: OptionValues,
): { readonly text: string; readonly derived: boolean } | null {
  const own = valueIn(values, HTTP_RPC.options.secret);
  const text = usableSecret(own === "" ? valueIn(values, GENERAL.options.secret) : own);
  return text === null ? null : { text, derived: own === "" };
}

/** The values while they are worked on. */
class Draft {
  readonly #values: Map<AnyOption, Sourced<unknown>>;

  constructor(values: OptionValues) {
    this.#values = new Map(values);
  }

  get values(): OptionValues {
    return this.#values;
  }

  get<T>(option: Option<T>): T {
    return valueIn(this.#values, option);
  }

  /** Sets an option because another one says so. */
  set<T>(option: Option<T>, value: T, because: AnyOption): void {
    const { source, where } = sourcedOf(this.#values, because);
    this.#values.set(option, { value, source, where });
  }

  /** Fills in what was left to be worked out. */
  compute<T>(option: Option<T>, value: T): void {
    this.#values.set(option, { value, source: "default", where: "worked out" });
  }
}
