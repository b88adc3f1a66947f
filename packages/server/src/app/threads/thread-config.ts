import type { ResolvedConfig } from "../../config/resolved-config.ts";

/** What one of `threads` connection threads runs by: its share of what is limited, and nothing of what is the server's. */
export function threadConfig(config: ResolvedConfig, threads: number): ResolvedConfig {
  const share = (limit: number) => (limit === 0 ? 0 : Math.max(1, Math.ceil(limit / threads)));
  const { server, rpc, disconnect, jwt, shutdown } = config;
  return {
    ...config,
    // Whether it is ready the control thread knows, of the whole server.
    server: { ...server, acceptRatePerS: share(server.acceptRatePerS), readyPath: null },
    shutdown: { ...shutdown, disconnectRatePerS: share(shutdown.disconnectRatePerS) },
    rpc: { ...rpc, concurrency: share(rpc.concurrency) },
    disconnect: { ...disconnect, ratePerS: share(disconnect.ratePerS), backlog: share(disconnect.backlog) },
    jwt: { ...jwt, expiry: { ...jwt.expiry, closesPerS: share(jwt.expiry.closesPerS) } },
    embeddedNats: null,
    revocation: { ...config.revocation, filePath: null },
    broadcast: { ...config.broadcast, adapters: [] },
    metrics: { ...config.metrics, httpPath: null, log: false },
    admin: { socketPath: null },
  };
}
