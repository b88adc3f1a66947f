import http2 from "node:http2";
import net from "node:net";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { ConnectionResponse, Status } from "@hawser/proto/gen/rpc";
import { freePorts } from "./hawser-process.ts";

/** Servers that do to a gRPC client what networks and applications do. All on 127.0.0.1. */

export type MethodName = "Connect" | "Command" | "Disconnect";

export interface ServedCall {
  readonly method: MethodName;
  readonly bytes: Buffer;
  readonly metadata: Metadata;
  /** Address of the connection that it came by. */
  readonly peer: string;
  readonly atMs: number;
  cancelled: boolean;
}

/** The reply's bytes, a status, or null for a call that is never answered. */
export type Answer = Uint8Array | { readonly code: number; readonly details: string } | null;

export interface GrpcService {
  readonly port: number;
  readonly calls: readonly ServedCall[];
  /** Most calls that were under way at once. */
  readonly peak: number;
  /** Closes every connection at once, calls or none. */
  stop(): void;
}

export interface GrpcServiceOptions {
  /** `127.0.0.1:0` unless given. */
  readonly address?: string;
  readonly credentials?: ServerCredentials;
  readonly server?: ServerOptions;
}

export const WELCOME = ConnectionResponse.encode({
  status: Status.SUCCESS,
  identifiers: '{"id":1}',
  transmissions: ['{"type":"welcome"}'],
  errorMsg: "",
  env: { cstate: { a: "1" }, istate: {} },
}).finish();

/** A gRPC server of the three methods that answers with whatever bytes or status it is told. */
export async function serveGrpc(
  answer: (call: ServedCall, number: number) => Answer | Promise<Answer>,
  options: GrpcServiceOptions = {},
): Promise<GrpcService> {
  const calls: ServedCall[] = [];
  let underWay = 0;
  let peak = 0;
  const handle =
    (method: MethodName) => async (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const { request: bytes, metadata } = call;
      const peer = call.getPeer();
      const served: ServedCall = { method, bytes, metadata, peer, atMs: performance.now(), cancelled: false };
      call.on("cancelled", () => {
        served.cancelled = true;
      });
      underWay += 1;
      peak = Math.max(peak, underWay);
      const reply = await answer(served, calls.push(served) - 1);
      if (reply === null) return;
      underWay -= 1;
      if (reply instanceof Uint8Array) done(null, Buffer.from(reply));
      else done(reply);
    };
  const server = new Server(options.server);
  server.addService(
    { Connect: rawMethod("Connect"), Command: rawMethod("Command"), Disconnect: rawMethod("Disconnect") },
    { Connect: handle("Connect"), Command: handle("Command"), Disconnect: handle("Disconnect") },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      options.address ?? "127.0.0.1:0",
      options.credentials ?? ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(error)),
    );
  });
  return {
    port,
    calls,
    get peak() {
      return peak;
    },
    stop: () => server.forceShutdown(),
  };
}

function rawMethod(name: MethodName) {
  const same = (bytes: Buffer) => bytes;
  return {
    path: `/anycable.RPC/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

export interface Listening {
  readonly port: number;
  stop(): void;
}

/** An HTTP/2 server below gRPC: `onStream` writes the frames of an answer itself, or does not. */
export async function serveHttp2(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
  onSession: (session: http2.ServerHttp2Session) => void = () => {},
): Promise<Listening> {
  const server = http2.createServer({ settings });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    onSession(session);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    onStream(stream, headers);
  });
  const port = await listen(server);
  return {
    port,
    stop() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** A TCP server whose peer gets whatever `onSocket` writes. */
export async function serveTcp(
  onSocket: (socket: net.Socket) => void,
): Promise<Listening & { readonly opened: () => number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  const port = await listen(server);
  return {
    port,
    opened: () => sockets.size,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function listen(server: net.Server | http2.Http2Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

/** Passes bytes on to `port`, until told to pass none and keep the connections. */
export async function serveProxy(
  port: number,
): Promise<Listening & { freeze(): void; cutOne(): void; readonly opened: () => number }> {
  let frozen = false;
  let last: net.Socket | null = null;
  const upstreams = new Set<net.Socket>();
  const server = await serveTcp((socket) => {
    const upstream = net.connect(port, "127.0.0.1");
    last = socket;
    upstreams.add(upstream);
    upstream.on("error", () => {});
    socket.on("data", (bytes) => void (frozen || upstream.write(bytes)));
    upstream.on("data", (bytes) => void (frozen || socket.write(bytes)));
  });
  return {
    port: server.port,
    opened: server.opened,
    freeze() {
      frozen = true;
    },
    /** Ends the connection that was opened last. */
    cutOne: () => void last?.destroy(),
    stop() {
      server.stop();
      for (const upstream of upstreams) upstream.destroy();
    },
  };
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0];
}

/** One gRPC frame around `message`; `declared` lies about the length. */
export function frameOf(message: Uint8Array, flags = 0, declared: number = message.length): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flags, 0);
  header.writeUInt32BE(declared, 1);
  return Buffer.concat([header, message]);
}
