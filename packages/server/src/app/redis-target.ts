import { CableError, messageOf } from "@hawser/core/errors";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { readTextFile } from "../drivers/files.ts";
import type { RedisTarget } from "../drivers/redis/redis-connection.ts";

/** @throws CableError `io_failed` when a file for TLS cannot be read. */
export function redisTarget({ address, sentinels, keepaliveMs, tls }: ResolvedConfig["redis"]): RedisTarget {
  const { verify, caPath, client } = tls;
  return {
    ...{ address, sentinels, keepaliveMs },
    tls: {
      verify,
      ca: caPath === null ? null : readPem(caPath, "--redis_tls_ca_cert_path"),
      cert: client === null ? null : readPem(client.certPath, "--redis_tls_client_cert_path"),
      key: client === null ? null : readPem(client.keyPath, "--redis_tls_client_key_path"),
    },
  };
}

function readPem(path: string, option: string): string {
  try {
    const text = readTextFile(path);
    if (text.includes("-----BEGIN ")) return text;
  } catch (thrown) {
    const why = `read ${path} (${option}): ${messageOf(thrown)}; check the path and its permissions`;
    throw new CableError("io_failed", why, { cause: thrown });
  }
  throw new CableError(
    "config_invalid",
    `read ${path} (${option}): nothing in it is in PEM form; name another file`,
  );
}
