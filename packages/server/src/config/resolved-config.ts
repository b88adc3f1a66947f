import type { LogLevel } from "@hawser/core/log";
import type { ExpiryPolicy } from "@hawser/core/session/expiry";
import type { BroadcastAdapter } from "../broadcast/options.ts";
import type { NatsAddress } from "../drivers/nats/nats-address.ts";
import type { RedisAddress } from "../drivers/redis/redis-address.ts";
import type { IssuerSettings } from "../keys/issuer/options.ts";
import type { NatsGateway, NatsListen } from "./embedded-nats-options.ts";

/**
 * What the server runs by: every option under its code name, in the units of its name, with the secrets worked out.
 * Made by `loadConfig`; nothing else reads options.
 */
export interface ResolvedConfig {
  /** Null when none was given: the server then makes one up. */
  readonly nodeId: string | null;
  /** `--public`: already worked into `auth`, `streams` and `broadcast`; kept for the line at start. */
  readonly public: boolean;
  readonly auth: {
    /** Whoever was not identified by a token is let in under an identity of its own. */
    readonly noAuth: boolean;
  };
  readonly server: {
    readonly host: string;
    /** 0 for any free port. */
    readonly port: number;
    /** Threads that serve clients; 1 for the one that does everything else as well. */
    readonly workers: number;
    /** Sessions at a time; 0 for no limit. */
    readonly maxConnections: number;
    /** Clients a second; 0 for no limit. */
    readonly acceptRatePerS: number;
    /** Of one client address in a minute; 0 for no limit. */
    readonly maxFailedAuths: number;
    readonly healthPath: string;
    /** Null when there is no such endpoint. */
    readonly readyPath: string | null;
    readonly tls: { readonly certPath: string; readonly keyPath: string } | null;
    /** Lower-case hosts, as they were written otherwise; empty allows all. */
    readonly allowedOrigins: readonly string[];
    /** Networks and addresses whose `X-Forwarded-For` is believed. */
    readonly trustedProxies: readonly string[];
    readonly trustRequestId: boolean;
  };
  readonly websocket: {
    readonly paths: readonly string[];
    readonly maxMessageBytes: number;
    /** How long a client's socket may take nothing while something waits; 0 for ever. */
    readonly writeTimeoutMs: number;
    /** Bytes that may wait for one client; 0 for no limit. */
    readonly maxPendingBytes: number;
    readonly compression: boolean;
    readonly maxPendingCommands: number;
    /** Of one client; 0 for no limit. */
    readonly maxCommandsPerS: number;
    /** Of one client; 0 for no limit. */
    readonly maxSubscriptions: number;
  };
  readonly heartbeat: {
    /** 0 for no pings. */
    readonly pingIntervalMs: number;
    readonly pingPrecision: "s" | "ms" | "ns";
    /** 0 when clients need not answer. */
    readonly pongTimeoutMs: number;
    readonly nativePings: boolean;
  };
  readonly sse: {
    /** Path of the event streams; null when there are none. */
    readonly path: string | null;
  };
  readonly jwt: {
    /** Whether tokens are looked at: there is a secret, or another source of keys. */
    readonly enabled: boolean;
    /** `--jwt_secret`, else `--secret`. Null when no plain secret verifies tokens. */
    readonly secret: string | null;
    /** Which of the two it is; what its fingerprint is made for. */
    readonly secretOption: "jwt_secret" | "secret";
    /** Former values of it. */
    readonly previousSecrets: readonly string[];
    /** How long a secret that a reload replaced goes on. */
    readonly overlapMs: number;
    /** How long servers may have different keys before it is said. */
    readonly differAfterMs: number;
    /** Name of the query parameter; the header is `x-` and this name in lower case. */
    readonly param: string;
    readonly enforce: boolean;
    readonly maxTokenBytes: number;
    readonly retiredAs: "token_expired" | "unauthorized";
    /** Whether clients with a wrong signature are to come again while the secrets differ. */
    readonly mismatchReconnect: boolean;
    readonly strict: boolean;
    /** Of the tokens that `secret` and the options are for. */
    readonly main: IssuerSettings;
    readonly issuers: readonly (IssuerSettings & {
      /** The issuer's own; read already. */
      readonly secret: string | null;
    })[];
    /** The claim that stands in for `exp` when it is about connections; null for none. */
    readonly expireClaim: string | null;
    /** Whether a token may come in the first message. */
    readonly firstMessage: boolean;
    readonly expiry: ExpiryPolicy;
    /** How long published keys serve when they cannot be fetched again. */
    readonly jwksMaxStaleMs: number;
    /** Where they are kept; null for nowhere. */
    readonly jwksCacheFolder: string | null;
  };
  readonly revocation: {
    /** Where revocations are kept; null when a restart forgets them. */
    readonly filePath: string | null;
    /** Of one for which it is not known when its tokens expire. */
    readonly maxTtlMs: number;
    /** How many there may be. */
    readonly limit: number;
  };
  /** Files that hold secrets: what is in them is in the options that they stand for. */
  readonly secretFiles: readonly string[];
  readonly streams: {
    readonly public: boolean;
    /** Name of the built-in channel; null when there is none. */
    readonly pubsubChannel: string | null;
    /** `--streams_secret`, else `--secret`. Null when every signed stream is to be rejected. */
    readonly secret: string | null;
    /** For signed streams; public ones have both. */
    readonly whisper: boolean;
    readonly presence: boolean;
    /** Null when Turbo's channel is left to the application, because it is off or there is no secret. */
    readonly turboSecret: string | null;
    /** The same for CableReady's. */
    readonly cableReadySecret: string | null;
  };
  readonly rpc: {
    /** `none`: there is no application to ask. */
    readonly kind: "grpc" | "http" | "none";
    readonly host: string;
    readonly concurrency: number;
    /** For a whole command, its retries included. */
    readonly commandTimeoutMs: number;
    /** For one attempt; 0 leaves it to the command's. */
    readonly requestTimeoutMs: number;
    readonly afterJwt: "off" | "enforce" | "shadow";
    /** Lower-case names. */
    readonly proxyHeaders: readonly string[];
    /** Empty for all cookies. */
    readonly proxyCookies: readonly string[];
    readonly grpc: {
      /** Also true when a root CA was given. */
      readonly enableTls: boolean;
      readonly tlsVerify: boolean;
      /** A path, or the PEM text itself; null for the system's roots. */
      readonly tlsRootCa: string | null;
      /** 0 for the client library's own limit. */
      readonly maxRecvBytes: number;
      readonly maxSendBytes: number;
      /** Connections to each address. */
      readonly poolSize: number;
    };
    readonly http: {
      /** What `Authorization: Bearer` carries; null for no such header, and where nothing is called over HTTP. */
      readonly secret: string | null;
      /** True when `secret` was derived from `--secret`. */
      readonly secretDerived: boolean;
      /** For one attempt. */
      readonly requestTimeoutMs: number;
    };
  };
  readonly disconnect: {
    readonly mode: "auto" | "always" | "never";
    /** Calls a second. */
    readonly ratePerS: number;
    readonly backlog: number;
  };
  readonly broadcast: {
    readonly adapters: readonly BroadcastAdapter[];
    readonly redisChannel: string;
    readonly natsChannel: string;
    readonly redisStream: { readonly stream: string; readonly group: string; readonly blockMs: number };
    /** What `Authorization: Bearer` must carry; null leaves the endpoint open. */
    readonly key: string | null;
    /** True when `key` was derived from `--secret`. */
    readonly keyDerived: boolean;
    /** Equal to `server.port` when the two share a listener. */
    readonly port: number;
    readonly path: string;
    /** Hosts whose pages may publish, empty for all; null when browsers are told nothing. */
    readonly corsHosts: readonly string[] | null;
  };
  readonly broker: {
    /** `none`: nothing outlives a connection. */
    readonly adapter: "memory" | "redis" | "nats" | "none";
    /** Messages of one stream; 0 for none. */
    readonly historyLimit: number;
    readonly historyTtlMs: number;
    /** 0 when sessions are not resumed. */
    readonly sessionsTtlMs: number;
    /** Whether who comes for its session has to be let in first. */
    readonly resumeVerify: boolean;
    readonly presenceTtlMs: number;
    /** Servers of a cluster of NATS that keep what is there. */
    readonly natsReplicas: number;
  };
  /** How messages pass between servers. */
  readonly pubSub: {
    readonly adapter: "none" | "redis" | "nats";
    /** By which commands go. */
    readonly redisChannel: string;
    readonly natsChannel: string;
  };
  readonly nats: {
    readonly address: NatsAddress;
    /** Whether to try its servers in the order in which they are given. */
    readonly inOrder: boolean;
    /** Null where the login, if there is one, is in the address. */
    readonly credentialsPath: string | null;
    readonly tls: {
      /** Null for those of the system. */
      readonly caPath: string | null;
      /** Null when this server shows none. */
      readonly client: { readonly certPath: string; readonly keyPath: string } | null;
    };
  };
  /** Null where none is to run beside this server. */
  readonly embeddedNats: {
    readonly listen: NatsListen;
    readonly cluster: {
      readonly name: string;
      readonly listen: NatsListen;
      readonly routes: readonly string[];
    } | null;
    /** Null where it speaks to no other cluster. */
    readonly gateway: {
      readonly name: string;
      readonly listen: NatsListen;
      /** Null for where it listens. */
      readonly advertise: string | null;
      readonly gateways: readonly NatsGateway[];
    } | null;
    /** Null when it is to be made up. */
    readonly name: string | null;
    /** 0 for its own limit. */
    readonly maxPayloadBytes: number;
    /** Empty for a temporary one; null where JetStream is off. */
    readonly jetStreamFolder: string | null;
    readonly debug: boolean;
    readonly trace: boolean;
  } | null;
  readonly redis: {
    readonly address: RedisAddress;
    /** Null where `address` is Redis itself. */
    readonly sentinels: RedisAddress | null;
    readonly keepaliveMs: number;
    readonly tls: {
      readonly verify: boolean;
      /** Null for those of the system. */
      readonly caPath: string | null;
      /** Null when this server shows none. */
      readonly client: { readonly certPath: string; readonly keyPath: string } | null;
    };
  };
  readonly shutdown: {
    readonly timeoutMs: number;
    readonly delayMs: number;
    /** Clients that are told a second; 0 for all at once. */
    readonly disconnectRatePerS: number;
  };
  readonly log: {
    /** `debug` when `--debug` is set. */
    readonly level: LogLevel;
    readonly format: "text" | "json";
  };
  readonly metrics: {
    /** Path of the Prometheus endpoint; null when there is none. */
    readonly httpPath: string | null;
    /** `server.host` unless given. */
    readonly host: string;
    /** `server.port` unless given. */
    readonly port: number;
    /** Labels of every metric. */
    readonly tags: Readonly<Record<string, string>>;
    readonly log: boolean;
    readonly rotateIntervalMs: number;
    /** Names of the metrics to log; empty for all. */
    readonly logFilter: readonly string[];
    /** 0 when the gauges of clients and streams are not kept fresh. */
    readonly refreshIntervalMs: number;
  };
  readonly admin: {
    /** Unix socket of the admin endpoint; null when there is none. */
    readonly socketPath: string | null;
  };
}
