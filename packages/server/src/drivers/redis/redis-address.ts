import { bad, good, type Parsed } from "@hawser/core/options";

/** A host and its port. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** Whom to log in as; null for what is not given. */
export interface RedisLogin {
  readonly username: string | null;
  readonly password: string | null;
}

/** What a URL of Redis says, or several of one cluster (anycable redis/config.go@1.6.16, rueidis url.go). */
export interface RedisAddress extends RedisLogin {
  readonly hosts: readonly [RedisHost, ...RedisHost[]];
  /** A Unix socket in place of the hosts; null for none. */
  readonly socketPath: string | null;
  readonly tls: boolean;
  readonly db: number;
  /** The name of a master that Sentinels know; null where the hosts are Redis itself. */
  readonly masterName: string | null;
}

export const REDIS_PORT = 6379;
export const SENTINEL_PORT = 26_379;

const TLS_BY_SCHEME: ReadonlyMap<string, boolean> = new Map([
  ["redis:", false],
  ["valkey:", false],
  ["unix:", false],
  ["rediss:", true],
  ["valkeys:", true],
]);

/** URLs separated by commas; of the first is everything but the hosts. `redis://` may be left out. */
export function parseRedisAddress(text: string, defaultPort = REDIS_PORT): Parsed<RedisAddress> {
  const whole: RedisAddress[] = [];
  for (const part of text.split(",")) {
    const one = parseOne(part.trim(), defaultPort);
    if (!one.ok) return one;
    whole.push(one.value);
  }
  const [first, ...further] = whole;
  if (first === undefined) return bad("names no host");
  return good({ ...first, hosts: [...first.hosts, ...further.flatMap(({ hosts }) => hosts)] });
}

function parseOne(text: string, defaultPort: number): Parsed<RedisAddress> {
  const url = asUrl(text.includes("://") ? text : `redis://${text}`);
  if (url === null) return bad("is not a URL of Redis, like redis://user:password@host:6379/0");
  const tls = TLS_BY_SCHEME.get(url.protocol);
  if (tls === undefined) return bad(`has a scheme that is none of ${[...TLS_BY_SCHEME.keys()].join(" ")}`);
  const isSocket = url.protocol === "unix:";
  if (!isSocket && url.hostname === "") return bad("names no host");
  const host = isSocket ? { host: "", port: 0 } : hostOf(url.host, defaultPort);
  const further = isSocket ? [] : url.searchParams.getAll("addr").map((addr) => hostOf(addr, defaultPort));
  const path = url.pathname.replace(/^\/|\/$/g, "");
  const db = url.searchParams.get("db") ?? (isSocket || path === "" ? "0" : path);
  if (!/^\d{1,9}$/.test(db)) return bad("has a path or a db that is not the number of a database");
  const username = unescaped(url.username);
  const password = unescaped(url.password);
  if (username === null || password === null) return bad("has a password that is not percent-encoded");
  return good({
    hosts: [host, ...further],
    socketPath: isSocket ? url.pathname : null,
    tls,
    username: username === "" ? null : username,
    password: password === "" ? null : password,
    db: Number(db),
    masterName: url.searchParams.get("master_set"),
  });
}

function asUrl(text: string): URL | null {
  // Its host may be a name with an underscore, as container networks have them.
  return URL.canParse(text) ? new URL(text) : null;
}

function hostOf(text: string, defaultPort: number): RedisHost {
  const [, host = text, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(text) ?? [];
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
