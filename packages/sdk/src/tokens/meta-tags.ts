import { attributesText } from "../html.ts";

/** What a page tells the clients in it. */
export interface CableMeta {
  /** As `tokens.issue` made it. */
  readonly token: string;
  /** The server's `--jwt_param`, when that is not `jid`. */
  readonly tokenParam?: string | undefined;
  /** Where the server is, as a whole: `wss://cable.example.com/cable`. Left out, clients take the one they have. */
  readonly url?: string | undefined;
}

/** The tags, for the head of a page, in which `@anycable/web` looks for a token: at its start, and to refresh it. */
export function cableMetaTags({ token, tokenParam, url }: CableMeta): string {
  const contents = { "cable-url": url, "cable-token": token, "cable-token-param": tokenParam };
  return Object.entries(contents)
    .map(([name, content]) => (content === undefined ? "" : `<meta ${attributesText({ name, content })}>`))
    .join("");
}
