/** Whether a request with this `Origin` may open a WebSocket. */
export type OriginCheck = (origin: string | null) => boolean;

/**
 * An allow-list of hosts with their ports, `*.example.com` for what ends so, `*` for all; empty allows all. The scheme
 * does not count, and a missing Origin passes only where all do (anycable ws/ws.go@1.6.16).
 */
export function originCheck(allowed: readonly string[]): OriginCheck {
  const entries = allowed.map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== "");
  if (entries.length === 0 || entries.includes("*")) return () => true;
  const hosts = new Set(entries.filter((entry) => !entry.startsWith("*")));
  const endings = entries.filter((entry) => entry.startsWith("*")).map((entry) => entry.slice(1));
  return (origin) => {
    const host = hostOf(origin);
    return host !== "" && (hosts.has(host) || endings.some((ending) => host.endsWith(ending)));
  };
}

/** The host with its port as it was written: `URL` would drop a default port. */
function hostOf(origin: string | null): string {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/.exec(origin?.toLowerCase() ?? "");
  return match?.[1] ?? "";
}
