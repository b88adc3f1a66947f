import type { ResolvedConfig } from "../config/resolved-config.ts";

/** What of a configuration a reload does not take over, to compare: all but the keys themselves. */
export function restartOnly(config: ResolvedConfig): string {
  const { jwt, streams, broadcast, rpc } = config;
  return JSON.stringify({
    ...config,
    jwt: {
      ...jwt,
      secret: isGiven(jwt.secret),
      previousSecrets: null,
      overlapMs: null,
      issuers: jwt.issuers.map((issuer) => ({ ...issuer, secret: isGiven(issuer.secret) })),
    },
    streams: {
      ...streams,
      secret: isGiven(streams.secret),
      turboSecret: isGiven(streams.turboSecret),
      cableReadySecret: isGiven(streams.cableReadySecret),
    },
    broadcast: { ...broadcast, key: isGiven(broadcast.key) },
    rpc: { ...rpc, http: { ...rpc.http, secret: isGiven(rpc.http.secret) } },
  });
}

/** Whether there is a secret at all decides which endpoints and channels there are. */
function isGiven(secret: string | null): boolean {
  return secret !== null;
}
