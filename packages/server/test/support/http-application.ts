import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

/** An application behind HTTP, in this process, that answers with whatever it is told. On 127.0.0.1. */

export interface HttpCall {
  readonly method: string;
  /** As in the request line. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly atMs: number;
  /** Its connection ended before it was answered. */
  cancelled: boolean;
}

export interface HttpAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is no text is sent as JSON. */
  readonly body?: unknown;
}

/** Null for a call that is never answered. */
export type HttpAnswering = HttpAnswer | null;

export interface HttpApplication {
  readonly port: number;
  /** POST requests alone. */
  readonly calls: readonly HttpCall[];
  /** Most calls that were under way at once. */
  readonly peak: number;
  /** Connections so far. */
  readonly opened: () => number;
  /** Closes every connection at once, calls or none. */
  stop(): void;
}

export const WELCOME_REPLY = {
  status: 1,
  identifiers: '{"id":1}',
  transmissions: ['{"type":"welcome"}'],
  env: { cstate: { a: "1" } },
};

export async function serveHttp(
  answer: (call: HttpCall, number: number) => HttpAnswering | Promise<HttpAnswering>,
  options: { readonly port?: number; readonly tls?: { readonly cert: string; readonly key: string } } = {},
): Promise<HttpApplication> {
  const calls: HttpCall[] = [];
  let underWay = 0;
  let peak = 0;
  let opened = 0;
  const sockets = new Set<Socket>();
  const server: Server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.on("request", async (request, response) => {
    request.on("error", () => {});
    let body = "";
    request.setEncoding("utf8");
    try {
      for await (const part of request) body += part;
    } catch {
      return;
    }
    if (request.method !== "POST") {
      response.writeHead(404).end("not found");
      return;
    }
    const { method, url: path = "", headers, rawHeaders } = request;
    const call: HttpCall = {
      method,
      path,
      headers,
      rawHeaders,
      body,
      atMs: performance.now(),
      cancelled: false,
    };
    response.on("close", () => {
      if (!response.writableFinished) call.cancelled = true;
    });
    underWay += 1;
    peak = Math.max(peak, underWay);
    const reply = await answer(call, calls.push(call) - 1);
    if (reply === null) return;
    underWay -= 1;
    const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? {});
    response.writeHead(reply.status ?? 200, { "Content-Type": "application/json", ...reply.headers });
    response.end(text);
  });
  server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    opened += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    get peak() {
      return peak;
    },
    opened: () => opened,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
