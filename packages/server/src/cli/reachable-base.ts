import type { ResolvedConfig } from "../config/resolved-config.ts";
import { authority } from "../drivers/http.ts";

/** Where the server is asked from its own machine: one that binds to every address answers at the one that is always there. */
export function reachableBase({ host, port, tls }: ResolvedConfig["server"]): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${tls === null ? "http" : "https"}://${authority(reachable, port)}`;
}
