import type { StateMap } from "../rpc/backend.ts";

/** What the application is told of a connection, as far as its token may be in it. */
export interface TokenPlace {
  readonly url: string;
  readonly headers: StateMap;
}

/**
 * The same with a fresh token wherever the former one was. One that came in a message was nowhere; then it is among the
 * headers, as one that came as a sub-protocol is.
 *
 * @param param the value of `--jwt_param`.
 */
export function withToken(url: string, headers: StateMap, param: string, token: string): TokenPlace {
  const freshUrl = withQueryToken(url, param, token);
  const header = `x-${param.toLowerCase()}`;
  if (freshUrl !== null && !(header in headers)) return { url: freshUrl, headers };
  return { url: freshUrl ?? url, headers: { ...headers, [header]: token } };
}

/** Every value of the parameter is replaced: an application could read another one than this server. Null without one. */
function withQueryToken(url: string, param: string, token: string): string | null {
  const start = url.indexOf("?");
  if (start < 0) return null;
  let found = false;
  const pairs = url.slice(start + 1).split("&");
  const replaced = pairs.map((pair) => {
    const name = pair.split("=", 1)[0] ?? "";
    if (unescaped(name) !== param) return pair;
    found = true;
    return `${name}=${token}`;
  });
  return found ? `${url.slice(0, start)}?${replaced.join("&")}` : null;
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
