import http from "node:http";
import { CableError, messageOf } from "@hawser/core/errors";
import type { ServerWebSocket, WebSocketHandler } from "bun";
import { steerToSecond } from "./port-steering.ts";
import { RetiredServers } from "./retired-servers.ts";

/**
 * The socket as the runtime gives it; `data` is what the WebSocket transport keeps with it. The transport sees the
 * runtime through this file only.
 */
export type Socket<T> = ServerWebSocket<T>;

export interface SocketHandler<T> {
  /** Runs inside `upgrade`. */
  open(socket: Socket<T>): void;
  message(socket: Socket<T>, text: string, bytes: number): void;
  pong(socket: Socket<T>): void;
  drain(socket: Socket<T>): void;
  /** Runs once, and inside `socket.close()` when we are the ones who close. */
  close(socket: Socket<T>): void;
  /** One of the handlers above threw: a bug, which must end that socket alone. */
  error(socket: Socket<T>, thrown: unknown): void;
}

export interface SocketOptions<T> {
  readonly handler: SocketHandler<T>;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for one client before the runtime cuts it; 0 for no limit. */
  readonly maxQueuedBytes: number;
  readonly compression: boolean;
  /** How long a client may send nothing at all, not even the pong to a WebSocket ping, before it is gone; 0 for ever. */
  readonly silenceS: number;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** A request as routes see it. */
export interface Exchange<T> {
  readonly request: Request;
  /** The path alone, as the runtime normalised it. */
  readonly pathname: string;
  /** The query without its `?`, as it was sent; empty when there is none. */
  readonly query: string;
  /** The peer's address without its port, IPv6 without brackets. */
  peerAddress(): string;
  /** How long nothing may be said on the connection, 0 for as long as anybody likes, at most 255. */
  allowSilence(seconds: number): void;
  /** Answers 101 with these headers; false when the handshake is not one. `data` is `socket.data` in `open`. */
  upgrade(data: T, headers: Readonly<Record<string, string>>): boolean;
}

/** `null` says that the exchange was upgraded and has no response. */
export type RouteAnswer = Response | Promise<Response> | null;

export interface Route<T> {
  /** Paths that it serves as they are written: what only normalising makes of a target (`/x/../health`) is another. */
  readonly paths: readonly string[];
  /** Whether it serves a path that is nobody's by name; null for never. */
  readonly pattern: ((pathname: string) => boolean) | null;
  handle(exchange: Exchange<T>): RouteAnswer;
}

/** Where to listen, and the options that say so: an error names the one to change. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly hostOption: string;
  readonly portOption: string;
}

export interface ListenerOptions<T> extends ListenAddress {
  /** PEM text; null for plain HTTP. */
  readonly tls: TlsFiles | null;
  /** Whether others may listen on the same port, each getting a part of the connections. */
  readonly shared?: boolean;
  readonly routes: readonly Route<T>[];
  /** Null on a port that serves no WebSockets. */
  readonly sockets: SocketOptions<T> | null;
  /** Told of what a route threw: a bug. Its request is answered 500. */
  readonly onFault: (thrown: unknown) => void;
}

export interface Listener {
  readonly port: number;
  /** Sends a frame to every socket of the topic; the payload bytes of one copy. */
  publish(topic: string, frame: string, compress?: boolean): number;
  /** Serves new connections with another certificate; those that are open or opening stay as they are. */
  replaceTls(tls: TlsFiles): void;
  /** Takes no new connections; open WebSockets stay. Resolves when the last request and socket have ended. */
  stopAccepting(): Promise<void>;
  /** Cuts whatever is left. */
  closeNow(): Promise<void>;
}

/**
 * Past it the runtime answers 431 before any of our code runs. A token that is too large is to be answered in words
 * instead, up to four times the largest that can be allowed; the reference's 1 MiB (net/http) would let two thousand
 * strangers fill 2 GB with half a request each. Holds for the process.
 */
const MAX_HEADER_BYTES = 128 * 1024;

/** Seconds without a byte before a connection that is not a WebSocket is cut: slow headers, idle keep-alive. */
const HTTP_IDLE_S = 10;

const TEXT_HEADERS = {
  "Content-Type": "text/plain; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
} as const;

type BunServer<T> = ReturnType<typeof Bun.serve<T>>;

/**
 * Starts an HTTP server.
 *
 * @throws CableError `io_failed` when the address cannot be used or the certificate is not one.
 */
export function listen<T>(options: ListenerOptions<T>): Listener {
  // Typed read-only; the runtime reads it at every request and documents no other switch for a running process.
  (http as { maxHeaderSize: number }).maxHeaderSize = MAX_HEADER_BYTES;
  /** Servers with an older certificate, for the connections that they still carry. */
  const retired = new RetiredServers<BunServer<T>>();
  let current = serve(options, options.tls, retired);
  const all = () => [current, ...retired];
  return {
    port: current.port ?? options.port,
    publish(topic, frame, compress) {
      current.publish(topic, frame, compress);
      for (const server of retired) server.publish(topic, frame, compress);
      // What the runtime returns is -1 as soon as one socket of the topic has something waiting.
      return Buffer.byteLength(frame);
    },
    replaceTls(tls) {
      // The runtime cannot change a server's certificate; two servers can share a port, though.
      const port = current.port ?? options.port;
      retired.closeLast();
      const next = serve({ ...options, port }, tls, retired);
      retired.add(current);
      current = next;
      // Else the old one would get its share, and reset those that it has not come to when it ends. Where several threads
      // share the port the kernel must not be told to use one of them alone.
      if (options.shared === true || !steerToSecond(port)) retired.closeLast();
    },
    async stopAccepting() {
      await Promise.all(all().map((server) => server.stop(false)));
    },
    async closeNow() {
      await Promise.all(all().map((server) => server.stop(true)));
    },
  };
}

function serve<T>(
  options: ListenerOptions<T>,
  tls: TlsFiles | null,
  retired: RetiredServers<BunServer<T>>,
): BunServer<T> {
  const { host, port, routes, sockets } = options;
  const findUnnamed: FindRoute<T> = (pathname) => routes.find((route) => servesUnnamed(route, pathname));
  const answerBy: AnswerBy<T> = (request, server, find) => {
    const answered = answer(request, server, find);
    return retired.has(server) ? lastOnConnection(answered) : answered;
  };
  try {
    return Bun.serve<T>({
      hostname: host,
      port,
      idleTimeout: HTTP_IDLE_S,
      development: false,
      // Only a listener whose certificate can be replaced, or that is one of several, shares its port; sharing hides "port in use".
      reusePort: tls !== null || options.shared === true,
      ...(tls === null ? {} : { tls: { cert: tls.cert, key: tls.key } }),
      // `as never`: its type makes a type parameter of every path.
      routes: routesByPath(routes, answerBy) as never,
      fetch: (request, server) => answerBy(request, server, findUnnamed),
      // Without this one the runtime prints the fault with the lines of source around it.
      error(thrown) {
        options.onFault(thrown);
        return new Response("Internal Server Error\n", { status: 500, headers: TEXT_HEADERS });
      },
      websocket: socketHandler(sockets),
    });
  } catch (thrown) {
    throw listenFailure(options, thrown);
  }
}

type Answered = Response | Promise<Response> | undefined;

/** A connection that is kept alive would be cut between two requests when its server ends. */
function lastOnConnection(answered: Answered): Answered {
  if (answered instanceof Promise) return answered.then(closing);
  return answered === undefined ? undefined : closing(answered);
}

function closing(response: Response): Response {
  response.headers.set("Connection", "close");
  return response;
}

type FindRoute<T> = (pathname: string) => Route<T> | undefined;
type AnswerBy<T> = (request: Request, server: BunServer<T>, find: FindRoute<T>) => Answered;

/** What the runtime's router takes for plain text. It compares with the target as it was sent, which we never see. */
const PLAIN_PATH = /^[\w\-.~/]+$/;

function routesByPath<T>(
  routes: readonly Route<T>[],
  answerBy: AnswerBy<T>,
): Record<string, (request: Request, server: BunServer<T>) => Answered> {
  const byPath: ReturnType<typeof routesByPath<T>> = {};
  for (const route of routes) {
    const itself = () => route;
    for (const path of route.paths) {
      if (PLAIN_PATH.test(path)) byPath[path] ??= (request, server) => answerBy(request, server, itself);
    }
  }
  return byPath;
}

function servesUnnamed<T>({ paths, pattern }: Route<T>, pathname: string): boolean {
  return pattern?.(pathname) || (!PLAIN_PATH.test(pathname) && paths.includes(pathname));
}

function answer<T>(request: Request, server: BunServer<T>, find: FindRoute<T>): Answered {
  const { url } = request;
  // `url` is normalised: scheme://host/path?query. HTTP/1.0 without Host gives /path?query.
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2);
  const mark = url.indexOf("?", start);
  const pathname = mark < 0 ? url.slice(start) : url.slice(start, mark);
  const route = find(pathname);
  if (route === undefined)
    return new Response("404 page not found\n", { status: 404, headers: TEXT_HEADERS });
  const answered = route.handle({
    request,
    pathname,
    query: mark < 0 ? "" : url.slice(mark + 1),
    peerAddress: () => withoutMapping(server.requestIP(request)?.address ?? ""),
    allowSilence: (seconds) => server.timeout(request, seconds),
    // `as never`: the parameter's type is conditional on T and cannot be resolved while T is open.
    upgrade: (data, headers) => server.upgrade(request, { data, headers } as never),
  });
  return answered ?? undefined;
}

function socketHandler<T>(sockets: SocketOptions<T> | null): WebSocketHandler<T> {
  if (sockets === null) return { message() {} };
  const { handler } = sockets;
  return {
    open: (socket) => handler.open(socket),
    message(socket, data) {
      if (typeof data === "string") handler.message(socket, data, Buffer.byteLength(data));
      else handler.message(socket, data.toString("utf8"), data.length);
    },
    pong: (socket) => handler.pong(socket),
    drain: (socket) => handler.drain(socket),
    close: (socket) => handler.close(socket),
    // Without this one an exception in a handler ends the process.
    error: (thrown, socket) => handler.error(socket, thrown),
    maxPayloadLength: sockets.maxMessageBytes,
    backpressureLimit: sockets.maxQueuedBytes,
    // Without it the runtime drops frames silently and lets the socket live on with a hole in its stream (D29).
    closeOnBackpressureLimit: sockets.maxQueuedBytes > 0,
    // The runtime pings by itself some seconds before.
    idleTimeout: sockets.silenceS,
    sendPings: sockets.silenceS > 0,
    perMessageDeflate: sockets.compression,
  };
}

/** A listener for both families tells IPv4 peers in IPv6 form (RFC 4291 2.5.5.2); the reference has them as they are. */
function withoutMapping(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

/** `host:port` as a URL has it. */
export function authority(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What to say for each way in which a listener fails to start. */
function listenFailure({ host, port, hostOption, portOption }: ListenAddress, thrown: unknown): CableError {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const why: Record<string, string> = {
    EADDRINUSE: `the port is in use; stop the other process or choose another with ${portOption}`,
    EADDRNOTAVAIL: `this machine has no such address; check ${hostOption}`,
    ENOTCONN: `the host name cannot be resolved; check ${hostOption}`,
    ERR_OUT_OF_RANGE: "a port is a number from 0 to 65535",
    EACCES: "not permitted; ports under 1024 need privileges",
    ERR_OSSL_X509_KEY_TYPE_MISMATCH:
      "the key does not belong to the certificate; check --ssl_cert and --ssl_key",
  };
  const text = `listen on ${authority(host, port)}: ${why[code] ?? messageOf(thrown)}`;
  return new CableError("io_failed", text, { cause: thrown });
}

/** Whether something already listens there; for listeners that share their port, which are never told. */
export async function isPortTaken(host: string, port: number): Promise<boolean> {
  if (port === 0) return false;
  try {
    const probe = Bun.serve({ hostname: host, port, fetch: () => new Response() });
    await probe.stop(true);
    return false;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
  }
}
