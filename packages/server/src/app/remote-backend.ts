import type { Log } from "@hawser/core/log";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import type { RemoteBackend } from "../rpc/calls/remote-backend.ts";
import { SecretCheck } from "../rpc/calls/secret-check.ts";
import { createGrpcBackend } from "../rpc/grpc/grpc-backend.ts";
import { createHttpBackend } from "../rpc/http/http-backend.ts";
import type { ServerKeys } from "./server-keys.ts";

/** The application, by the protocol that is configured. */
export function remoteBackend(
  config: ResolvedConfig,
  keys: ServerKeys,
  metrics: Metrics,
  log: Log,
): RemoteBackend {
  const { rpc } = config;
  const secrets = new SecretCheck(log.with({ context: "rpc" }));
  const compare = () => secrets.use(keys.ownSecrets());
  compare();
  keys.holder.onSwap(compare);
  const options = {
    ...rpc.grpc,
    host: rpc.host,
    concurrency: rpc.concurrency,
    commandTimeoutMs: rpc.commandTimeoutMs,
    requestTimeoutMs: rpc.requestTimeoutMs,
    proxyHeaders: rpc.proxyHeaders,
    proxyCookies: rpc.proxyCookies,
    log: log.with({ context: "rpc" }),
    clock: systemClock,
    meter: {
      calls: metrics.counter("rpc_call_total"),
      retries: metrics.counter("rpc_retries_total"),
      errors: metrics.counter("rpc_error_total"),
      timeouts: metrics.counter("rpc_timeout_total"),
      canceled: metrics.counter("rpc_canceled_total"),
      pending: metrics.gauge("rpc_pending_num"),
    },
    secrets,
  };
  if (rpc.kind !== "http") return createGrpcBackend(options);
  if (rpc.http.secretDerived) {
    options.log.info("auto-generated authorization secret from the application secret");
  }
  const { requestTimeoutMs } = rpc.http;
  return createHttpBackend({ ...options, requestTimeoutMs, secret: () => keys.rpcSecret() });
}
