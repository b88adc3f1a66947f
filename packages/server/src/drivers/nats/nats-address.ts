import { bad, good, type Parsed } from "@hawser/core/options";

/** What URLs of NATS say. */
export interface NatsAddress {
  /** As `host:port`. */
  readonly servers: readonly [string, ...string[]];
  readonly tls: boolean;
  /** Of the first server that names one; null for no login. */
  readonly login: { readonly user: string; readonly password: string } | { readonly token: string } | null;
}

export const NATS_PORT = 4222;

/** URLs separated by commas; `nats://` may be left out. A name without a password is a token (nats.go ProcessConfigString). */
export function parseNatsAddress(text: string): Parsed<NatsAddress> {
  const servers: string[] = [];
  let tls = false;
  let login: NatsAddress["login"] = null;
  for (const part of text.split(",").map((one) => one.trim())) {
    const whole = part.includes("://") ? part : `nats://${part}`;
    const url = URL.canParse(whole) ? new URL(whole) : null;
    if (url === null) return bad("is not a URL of NATS, like nats://user:password@host:4222");
    if (url.protocol !== "nats:" && url.protocol !== "tls:")
      return bad("has a scheme that is neither nats nor tls");
    if (url.hostname === "") return bad("names no host");
    servers.push(url.port === "" ? `${url.hostname}:${NATS_PORT}` : url.host);
    tls ||= url.protocol === "tls:";
    if (url.username === "" || login !== null) continue;
    const user = unescaped(url.username);
    const password = unescaped(url.password);
    if (user === null || password === null) return bad("has a password that is not percent-encoded");
    login = password === "" ? { token: user } : { user, password };
  }
  const [first, ...further] = servers;
  return first === undefined ? bad("names no host") : good({ servers: [first, ...further], tls, login });
}

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
