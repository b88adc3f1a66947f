import { createServer } from "node:http";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  ConnectionResponse,
  DisconnectRequest,
  DisconnectResponse,
  type MessageFns,
  Status,
} from "@hawser/proto/gen/rpc";
import { type CallMetadata, createRpcHandler, nodeListener, type RpcHandlers } from "@hawser/sdk/http-rpc";

/** A call that the application got. */
export type ApplicationCall =
  | { readonly method: "Connect"; readonly request: ConnectionRequest; readonly atMs: number }
  | { readonly method: "Command"; readonly request: CommandMessage; readonly atMs: number }
  | { readonly method: "Disconnect"; readonly request: DisconnectRequest; readonly atMs: number };

/** A service of the reference's contract in this process: it lets everybody in and confirms every channel. */
export interface Application {
  readonly port: number;
  /** What `--rpc_host` is to be. */
  readonly host: string;
  readonly calls: readonly ApplicationCall[];
  callsOf<M extends ApplicationCall["method"]>(method: M): Extract<ApplicationCall, { method: M }>[];
  stop(): void;
}

type MaybeLater<T> = T | Promise<T>;

export interface ApplicationOptions {
  /** gRPC unless given. */
  readonly over?: "grpc" | "http";
  /** 0 for a free port. */
  readonly port?: number;
  /** What Connect is answered with, over the defaults. */
  readonly connect?: (request: ConnectionRequest) => MaybeLater<Partial<ConnectionResponse>>;
  readonly command?: (request: CommandMessage) => MaybeLater<Partial<CommandResponse>>;
  /** How long Disconnect takes. */
  readonly disconnectDelayMs?: number;
}

export async function startApplication(options: ApplicationOptions = {}): Promise<Application> {
  const calls: ApplicationCall[] = [];
  const handlers: RpcHandlers = {
    async connect(request) {
      calls.push({ method: "Connect", request, atMs: performance.now() });
      return {
        status: Status.SUCCESS,
        identifiers: '{"user":"app"}',
        transmissions: ['{"type":"welcome"}'],
        errorMsg: "",
        env: undefined,
        ...(await options.connect?.(request)),
      };
    },
    async command(request) {
      calls.push({ method: "Command", request, atMs: performance.now() });
      const confirmation = JSON.stringify({ type: "confirm_subscription", identifier: request.identifier });
      return {
        status: Status.SUCCESS,
        disconnect: false,
        stopStreams: false,
        streams: [],
        transmissions: request.command === "subscribe" ? [confirmation] : [],
        errorMsg: "",
        env: undefined,
        stoppedStreams: [],
        presence: undefined,
        ...(await options.command?.(request)),
      };
    },
    async disconnect(request) {
      calls.push({ method: "Disconnect", request, atMs: performance.now() });
      if (options.disconnectDelayMs !== undefined) await Bun.sleep(options.disconnectDelayMs);
      return { status: Status.SUCCESS, errorMsg: "" };
    },
  };
  const serve = options.over === "http" ? serveByHttp : serveByGrpc;
  const { port, host, stop } = await serve(handlers, options.port ?? 0);
  return {
    port,
    calls,
    callsOf: <M extends ApplicationCall["method"]>(name: M) =>
      calls.filter((call): call is Extract<ApplicationCall, { method: M }> => call.method === name),
    host,
    stop,
  };
}

interface Served {
  readonly port: number;
  readonly host: string;
  stop(): void;
}

async function serveByGrpc(handlers: RpcHandlers, wanted: number): Promise<Served> {
  const server = new Server();
  server.addService(
    {
      Connect: method("Connect", ConnectionRequest, ConnectionResponse),
      Command: method("Command", CommandMessage, CommandResponse),
      Disconnect: method("Disconnect", DisconnectRequest, DisconnectResponse),
    },
    {
      Connect: answer((request: ConnectionRequest) => handlers.connect(request, NOBODY)),
      Command: answer((request: CommandMessage) => handlers.command(request, NOBODY)),
      Disconnect: answer((request: DisconnectRequest) => handlers.disconnect(request, NOBODY)),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${wanted}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, host: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

async function serveByHttp(handlers: RpcHandlers, wanted: number): Promise<Served> {
  const server = createServer(nodeListener(createRpcHandler(handlers, { open: true })));
  const port = await new Promise<number>((resolve) => {
    server.listen(wanted, "127.0.0.1", () => resolve(Object(server.address()).port));
  });
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port, host: `http://127.0.0.1:${port}/_anycable`, stop };
}

/** These handlers look at the request alone. */
const NOBODY: CallMetadata = { sid: "", protocolVersions: [], jwtIdentity: null };

function answer<Q, A>(handle: (request: Q) => Promise<A>) {
  return async (call: ServerUnaryCall<Q, A>, done: sendUnaryData<A>) =>
    done(null, await handle(call.request));
}

function method<Q, A>(name: string, request: MessageFns<Q>, response: MessageFns<A>) {
  return {
    path: `/anycable.RPC/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Q) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: (message: A) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  };
}
