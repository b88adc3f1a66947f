import { address } from "@hawser/core/address-option";
import { flag, integer, path, seconds, section } from "@hawser/core/options";
import { parseRedisAddress, SENTINEL_PORT } from "../drivers/redis/redis-address.ts";

/** Shared by everything that talks to Redis. */
export const REDIS = section("Redis", {
  url: address({
    flag: "redis_url",
    env: ["ANYCABLE_REDIS_URL", "REDIS_URL"],
    toml: "redis.url",
    default: "redis://localhost:6379",
    help:
      "Where Redis is: redis, rediss (TLS), valkey, valkeys or unix, with user, password and database; several hosts are a " +
      "cluster; with Sentinels it names the master.",
    check: (value) => whyNot(value),
  }),
  sentinels: address({
    flag: "redis_sentinels",
    toml: "redis.sentinels",
    help: "Sentinels that know where the master is, as user:password@host:port.",
    check: (value) => (value === "" ? null : whyNot(value)),
  }),
  discoveryIntervalMs: seconds({
    flag: "redis_sentinel_discovery_interval",
    toml: "redis.sentinel_discovery_interval",
    default: 30,
    hidden: true,
    noEffect: true,
    help: "Sentinels are asked at each connect.",
  }),
  keepaliveMs: seconds({
    flag: "redis_keepalive_interval",
    toml: "redis.keepalive_ping_interval",
    default: 30,
    min: 1,
    hidden: true,
    help: "Time between two looks at whether Redis still answers.",
  }),
  tlsVerify: flag({
    flag: "redis_tls_verify",
    toml: "redis.tls_verify",
    hidden: true,
    help: "Check Redis' certificate and its name, where the URL asks for TLS.",
  }),
  tlsCaPath: path({
    flag: "redis_tls_ca_cert_path",
    toml: "redis.tls_ca_cert_path",
    help: "Certificates to trust in place of the system's, in PEM form.",
  }),
  tlsCertPath: path({
    flag: "redis_tls_client_cert_path",
    toml: "redis.tls_client_cert_path",
    help: "This server's certificate for Redis, in PEM form.",
  }),
  tlsKeyPath: path({
    flag: "redis_tls_client_key_path",
    toml: "redis.tls_client_key_path",
    help: "Its private key, in PEM form.",
  }),
  disableCache: flag({
    flag: "redis_disable_cache",
    toml: "redis.disable_cache",
    hidden: true,
    noEffect: true,
    help: "No values of Redis are cached here.",
  }),
  maxReconnects: integer({
    flag: null,
    toml: "redis.max_reconnect_attempts",
    default: 5,
    noEffect: true,
    help: "This server tries for as long as it runs.",
  }),
});

function whyNot(value: string): string | null {
  const parsed = parseRedisAddress(value, SENTINEL_PORT);
  return parsed.ok ? null : parsed.why;
}
