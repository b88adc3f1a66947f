/** WebSocket sub-protocols in the server's order of preference, which wins over the client's (anycable ws/ws.go). */
export const SUBPROTOCOLS = [
  { name: "actioncable-v1-json", extended: false },
  { name: "actioncable-v1-ext-json", extended: true },
] as const satisfies readonly { readonly name: string; readonly extended: boolean }[];

export type Subprotocol = (typeof SUBPROTOCOLS)[number];

/** A token may travel as a sub-protocol entry with this prefix; such an entry is never chosen, so never echoed. */
export const TOKEN_SUBPROTOCOL_PREFIX = "anycable-token.";

/** The first of ours that the client offers, exactly; null lets the connection go on with JSON and none echoed. */
export function chooseSubprotocol(offered: readonly string[]): Subprotocol | null {
  for (const ours of SUBPROTOCOLS) if (offered.includes(ours.name)) return ours;
  return null;
}

/** The entries of a `Sec-WebSocket-Protocol` header. */
export function parseSubprotocols(header: string): string[] {
  return header.split(",").map((entry) => entry.trim());
}

/** The first token among the entries, or null; an empty one counts as none. */
export function tokenOfSubprotocols(offered: readonly string[]): string | null {
  const entry = offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
  return entry?.slice(TOKEN_SUBPROTOCOL_PREFIX.length) || null;
}
