import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import { CableError, messageOf } from "@hawser/core/errors";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  ConnectionResponse,
  DisconnectRequest,
  DisconnectResponse,
  type MessageFns,
} from "@hawser/proto/gen/rpc";
import type { RpcHandlers } from "../rpc/cable.ts";
import type { CallMetadata } from "../rpc/connection.ts";
import type { SecretComparison } from "../rpc/secret-comparison.ts";
import { HEALTH_SERVICE, healthOf } from "./grpc-health.ts";

/** A certificate and its key, as PEM text. */
export interface ServerTls {
  /** The certificate, and those between it and one that clients trust. */
  readonly cert: string;
  /** The private key of the first. */
  readonly key: string;
}

export interface GrpcListener {
  readonly port: number;
  /** Lets the calls that are under way end, for at most `graceMs`, and stops. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves the calls of `handlers` as `anycable.RPC`, and the standard health service.
 *
 * Rejects with CableError `io_failed` when the address cannot be used.
 */
export async function listenGrpc(
  handlers: RpcHandlers,
  address: { readonly host: string; readonly port: number },
  { tls, secrets }: { readonly tls: ServerTls | null; readonly secrets: SecretComparison | null },
): Promise<GrpcListener> {
  const server = new Server();
  const answerSecret = secretAnswerer(secrets);
  server.addService(RPC_SERVICE, {
    Connect: unary(answerSecret, (request: ConnectionRequest, metadata) =>
      handlers.connect(request, metadata),
    ),
    Command: unary(answerSecret, (request: CommandMessage, metadata) => handlers.command(request, metadata)),
    Disconnect: unary(answerSecret, (request: DisconnectRequest, metadata) =>
      handlers.disconnect(request, metadata),
    ),
  });
  server.addService(HEALTH_SERVICE, { Check: healthOf(["", RPC_NAME], answerSecret) });
  const port = await bind(server, address, tls);
  return { port, close: (graceMs) => close(server, graceMs) };
}

const RPC_NAME = "anycable.RPC";

const RPC_SERVICE: ServiceDefinition = {
  Connect: method("Connect", ConnectionRequest, ConnectionResponse),
  Command: method("Command", CommandMessage, CommandResponse),
  Disconnect: method("Disconnect", DisconnectRequest, DisconnectResponse),
};

function method<Request, Response>(
  name: string,
  request: MessageFns<Request>,
  response: MessageFns<Response>,
): MethodDefinition<Request, Response> {
  return {
    path: `/${RPC_NAME}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function unary<Request, Response>(
  answerSecret: SecretAnswerer,
  answer: (request: Request, metadata: CallMetadata) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    answerSecret(call);
    answer(call.request, callMetadata(call.metadata)).then(
      (response) => callback(null, response),
      (thrown: unknown) => callback({ code: status.INTERNAL, details: messageOf(thrown) }),
    );
  };
}

/** Carries the fingerprint of the secret, in the metadata of calls and of their replies. */
const FINGERPRINT_HEADER = "x-anycable-secret-fp";

/** Answers the fingerprint that came with a call, in the metadata before the reply. */
export type SecretAnswerer = (call: {
  readonly metadata: Metadata;
  sendMetadata(metadata: Metadata): void;
}) => void;

function secretAnswerer(secrets: SecretComparison | null): SecretAnswerer {
  if (secrets === null) return () => {};
  return (call) => {
    const [theirs] = call.metadata.get(FINGERPRINT_HEADER);
    const answer = new Metadata();
    answer.set(FINGERPRINT_HEADER, secrets.answerTo(typeof theirs === "string" ? theirs : null));
    call.sendMetadata(answer);
  };
}

function callMetadata(metadata: Metadata): CallMetadata {
  const first = (key: string) => metadata.get(key).find((value) => typeof value === "string");
  return {
    sid: first("sid") ?? "",
    protocolVersions: (first("protov") ?? "").split(",").map((version) => version.trim()),
    jwtIdentity: first("x-jwt-identity") ?? null,
  };
}

function bind(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
  tls: ServerTls | null,
): Promise<number> {
  const target = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const failed = (cause: unknown) =>
    new CableError(
      "io_failed",
      `Cannot serve gRPC on ${target}: ${messageOf(cause)}. Is the port free, and the certificate right?`,
      { cause },
    );
  return new Promise((resolve, reject) => {
    try {
      server.bindAsync(target, credentials(tls), (error, bound) =>
        error === null ? resolve(bound) : reject(failed(error)),
      );
    } catch (thrown) {
      reject(failed(thrown));
    }
  });
}

function credentials(tls: ServerTls | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) },
  ]);
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
