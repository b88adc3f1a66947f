import type { ResolvedConfig } from "../config/resolved-config.ts";
import type { RedisTarget } from "../drivers/redis/redis-connection.ts";
import { readPemFile } from "./named-file.ts";

/** @throws CableError `io_failed` when a file for TLS cannot be read. */
export function redisTarget({ address, sentinels, keepaliveMs, tls }: ResolvedConfig["redis"]): RedisTarget {
  const { verify, caPath, client } = tls;
  return {
    ...{ address, sentinels, keepaliveMs },
    tls: {
      verify,
      ca: caPath === null ? null : readPemFile(caPath, "--redis_tls_ca_cert_path"),
      cert: client === null ? null : readPemFile(client.certPath, "--redis_tls_client_cert_path"),
      key: client === null ? null : readPemFile(client.keyPath, "--redis_tls_client_key_path"),
    },
  };
}
