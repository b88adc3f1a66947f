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

/** A call that the application got. */
export type ApplicationCall =
  | { readonly method: "Connect"; readonly request: ConnectionRequest; readonly atMs: number }
  | { readonly method: "Command"; readonly request: CommandMessage; readonly atMs: number }
  | { readonly method: "Disconnect"; readonly request: DisconnectRequest; readonly atMs: number };

/** A gRPC service of the reference's contract in this process: it lets everybody in and confirms every channel. */
export interface Application {
  readonly port: number;
  readonly calls: readonly ApplicationCall[];
  callsOf<M extends ApplicationCall["method"]>(method: M): Extract<ApplicationCall, { method: M }>[];
  stop(): void;
}

type MaybeLater<T> = T | Promise<T>;

export interface ApplicationOptions {
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
  const server = new Server();
  server.addService(
    {
      Connect: method("Connect", ConnectionRequest, ConnectionResponse),
      Command: method("Command", CommandMessage, CommandResponse),
      Disconnect: method("Disconnect", DisconnectRequest, DisconnectResponse),
    },
    {
      Connect: answer(async (request: ConnectionRequest) => {
        calls.push({ method: "Connect", request, atMs: performance.now() });
        return {
          status: Status.SUCCESS,
          identifiers: '{"user":"app"}',
          transmissions: ['{"type":"welcome"}'],
          errorMsg: "",
          env: undefined,
          ...(await options.connect?.(request)),
        };
      }),
      Command: answer(async (request: CommandMessage) => {
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
      }),
      Disconnect: answer((request: DisconnectRequest) => {
        calls.push({ method: "Disconnect", request, atMs: performance.now() });
        return { status: Status.SUCCESS, errorMsg: "" };
      }, options.disconnectDelayMs),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    const address = `127.0.0.1:${options.port ?? 0}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    calls,
    callsOf: <M extends ApplicationCall["method"]>(name: M) =>
      calls.filter((call): call is Extract<ApplicationCall, { method: M }> => call.method === name),
    stop: () => server.forceShutdown(),
  };
}

function answer<Q, A>(handle: (request: Q) => MaybeLater<A>, delayMs = 0) {
  return async (call: ServerUnaryCall<Q, A>, done: sendUnaryData<A>) => {
    const reply = await handle(call.request);
    if (delayMs === 0) done(null, reply);
    else setTimeout(() => done(null, reply), delayMs);
  };
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
