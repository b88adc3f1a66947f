import type { Clock } from "@hawser/core/clock";
import { CableError, messageOf } from "@hawser/core/errors";
import type { Cluster, ClusterOptions, Redis, RedisOptions } from "ioredis";
import { hearRemarks } from "./library-remarks.ts";
import type { RedisAddress, RedisHost } from "./redis-address.ts";
import type { RedisScript } from "./redis-script.ts";

/** Contents of files, in PEM form; null for what is not given. */
export interface RedisTls {
  readonly verify: boolean;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** Where Redis is and how to talk to it. */
export interface RedisTarget {
  readonly address: RedisAddress;
  /** Who knows where the master is, `address` naming it; null where `address` is Redis itself. */
  readonly sentinels: RedisAddress | null;
  readonly tls: RedisTls;
  readonly keepaliveMs: number;
}

export interface RedisUse {
  /**
   * Whether commands are about keys: in a cluster each has to be sent to the node that holds its key. Channels are the same on
   * all nodes, and one node keeps the order of what is published.
   */
  readonly keyed: boolean;
  /** How long a command may take that waits for something, like a blocking read. */
  readonly longestWaitMs: number;
  readonly onMessage?: (channel: string, text: string) => void;
}

/** The commands that are used, as the library has them. */
export type RedisCommands = Pick<
  Redis,
  | "publish"
  | "ping"
  | "eval"
  | "evalsha"
  | "info"
  | "xgroup"
  | "xreadgroup"
  | "xautoclaim"
  | "xclaim"
  | "xack"
  | "xdel"
  | "xpending"
>;

/** One connection, which never comes back by itself once it has ended. */
export interface RedisConnection {
  readonly commands: RedisCommands;
  /** Whether several nodes share the keys. */
  readonly isCluster: boolean;
  subscribe(channels: readonly string[]): Promise<void>;
  unsubscribe(channels: readonly string[]): Promise<void>;
  /** Has Redis, in a cluster each node that has keys, keep scripts ready for being run by their names. */
  load(scripts: readonly RedisScript[]): Promise<void>;
  /** Ends it at once. Commands under way fail. */
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** An answer that takes longer does not come any more. */
const ANSWER_TIMEOUT_MS = 5_000;

export interface RedisConnectionParts {
  readonly clock: Clock;
  /** Told once, when a connection that stood is gone, unless `close` was called. */
  readonly onEnd: (why: string) => void;
  /** Told what is odd while connecting, and hinders nothing. */
  readonly onRemark?: (text: string) => void;
}

/**
 * Connects, logs in and chooses the database.
 *
 * @param attempt counts from 0; of several hosts another one is tried each time.
 * @throws CableError `io_failed` when there is no connection to be had.
 */
export async function connectRedis(
  target: RedisTarget,
  use: RedisUse,
  attempt: number,
  { clock, onEnd, onRemark }: RedisConnectionParts,
): Promise<RedisConnection> {
  const client = await clientFor(target, use, attempt);
  let lastError = "the connection was closed";
  client.on("error", (error: Error) => {
    lastError = reasonOf(error, target);
  });
  if (use.onMessage !== undefined) client.on("message", use.onMessage);
  const hearNoMore = hearRemarks(onRemark ?? (() => {}));
  try {
    await client.connect();
  } catch (thrown) {
    client.disconnect();
    const why = lastError === "the connection was closed" ? reasonOf(thrown, target) : lastError;
    throw new CableError("io_failed", why, { cause: thrown, retryable: true });
  } finally {
    hearNoMore();
  }
  let ended = false;
  const stopLooking = watchAnswers(
    client,
    clock,
    target.keepaliveMs,
    use.longestWaitMs + ANSWER_TIMEOUT_MS,
    () => {
      lastError = "it does not answer any more";
      client.disconnect();
    },
  );
  client.once("end", () => {
    stopLooking();
    if (ended) return;
    ended = true;
    onEnd(lastError);
  });
  return {
    commands: client,
    isCluster: client.isCluster,
    subscribe: async (channels) => void (await client.subscribe(...channels)),
    unsubscribe: async (channels) => void (await client.unsubscribe(...channels)),
    load: async (scripts) => {
      const nodes = client.isCluster ? (client as Cluster).nodes("master") : [client];
      await Promise.all(nodes.flatMap((node) => scripts.map(({ text }) => node.script("LOAD", text))));
    },
    close() {
      ended = true;
      stopLooking();
      client.disconnect();
    },
  };
}

/** Redis answers in order, so that an answer to PING says that all before it were answered. */
function watchAnswers(
  client: Redis | Cluster,
  clock: Clock,
  intervalMs: number,
  timeoutMs: number,
  onSilence: () => void,
): () => void {
  let cancelTimeout: (() => void) | null = null;
  const cancelLooking = clock.every(intervalMs, () => {
    if (cancelTimeout !== null) return;
    const cancel = clock.after(timeoutMs, onSilence);
    cancelTimeout = cancel;
    const answered = (): void => {
      cancel();
      cancelTimeout = null;
    };
    // A refusal is an answer too, and the end of the connection is told by its own event.
    client.ping().then(answered, answered);
  });
  return () => {
    cancelLooking();
    cancelTimeout?.();
  };
}

/** The library is loaded by whoever connects first: most servers have no Redis, and starting would take them a third longer. */
async function clientFor(target: RedisTarget, use: RedisUse, attempt: number): Promise<Redis | Cluster> {
  const library = await import("ioredis");
  const { address, sentinels } = target;
  const options = commonOptions(target);
  if (sentinels !== null || address.masterName !== null) {
    return new library.Redis({ ...options, ...sentinelOptions(target, sentinels ?? address) });
  }
  if (address.socketPath !== null) return new library.Redis({ ...options, path: address.socketPath });
  const { hosts } = address;
  const one = () => new library.Redis({ ...options, ...(hosts[attempt % hosts.length] ?? hosts[0]) });
  if (use.keyed && (hosts.length > 1 || (await isOfCluster(one()))))
    return new library.Cluster([...hosts], clusterOptions(options));
  return one();
}

/** Whether one host that is named alone shares the keys with others. False too where it cannot be asked: it is then tried as it is. */
async function isOfCluster(client: Redis): Promise<boolean> {
  client.on("error", () => {});
  try {
    await client.connect();
    const slots = await client.cluster("SLOTS");
    return slots.length > 0;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

/** What is not to be done by the library: to connect again, to keep commands meanwhile, to send them twice. */
function commonOptions({ address, tls, keepaliveMs }: RedisTarget) {
  const { username, password, db } = address;
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(address.tls ? { tls: tlsOptions(tls) } : {}),
    db,
    protocol: 2,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: true,
    disableClientInfo: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: keepaliveMs,
  } satisfies RedisOptions;
}

function sentinelOptions({ address, tls }: RedisTarget, sentinels: RedisAddress) {
  const own = sentinels !== address;
  return {
    name: address.masterName ?? address.hosts[0].host,
    sentinels: sentinels.hosts.map(({ host, port }: RedisHost) => ({ host, port })),
    ...(own && sentinels.username !== null ? { sentinelUsername: sentinels.username } : {}),
    ...(own && sentinels.password !== null ? { sentinelPassword: sentinels.password } : {}),
    // Of the master, despite its name; `sentinelTLS` is of the Sentinels.
    enableTLSForSentinelMode: address.tls,
    ...(own && sentinels.tls ? { sentinelTLS: tlsOptions(tls) } : {}),
    sentinelRetryStrategy: () => null,
  } satisfies RedisOptions;
}

function clusterOptions(options: ReturnType<typeof commonOptions>) {
  const { lazyConnect: _lazy, retryStrategy: _retry, ...redisOptions } = options;
  return {
    // Commands about one key are sent one after the other as it is.
    redisOptions: { ...redisOptions, enableAutoPipelining: false },
    lazyConnect: true,
    clusterRetryStrategy: () => null,
    enableOfflineQueue: false,
    // What was under way may have been done, and is not sent again.
    retryDelayOnFailover: 0,
    enableReadyCheck: false,
    // A certificate is for a name; the library would look for its address.
    dnsLookup: (address, callback) => callback(null, address),
  } satisfies ClusterOptions;
}

function tlsOptions({ verify, ca, cert, key }: RedisTls): NonNullable<RedisOptions["tls"]> {
  return {
    rejectUnauthorized: verify,
    minVersion: "TLSv1.2",
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  };
}

/** The library's words hold addresses and what Redis said, and no credentials. */
function reasonOf(thrown: unknown, { sentinels }: Pick<RedisTarget, "sentinels">): string {
  const { lastNodeError } = thrown as { readonly lastNodeError?: unknown }; // of a cluster of which no node could be asked
  const reason = messageOf(lastNodeError ?? thrown).split("\n", 1)[0] ?? "";
  // What a Sentinel's TLS fails by is not told by the library.
  const isSilent = sentinels?.tls === true && reason.endsWith("Connection is closed.");
  return isSilent ? `${reason} Does it speak TLS, and is its certificate trusted?` : reason;
}
