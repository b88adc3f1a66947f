import type {
  CommandReply,
  CommandRequest,
  ConnectReply,
  ConnectRequest,
  DisconnectReply,
  DisconnectRequest,
  PresenceReply,
  ReplyStatus,
  RpcEnv,
  StateMap,
} from "@hawser/core/rpc/backend";
import { encodeFrame, FRAME_HEADER_BYTES } from "@hawser/proto/framing";
import {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  ConnectionResponse,
  DisconnectRequest as DisconnectMessage,
  DisconnectResponse,
  type Env,
  type PresenceResponse,
  Status,
} from "@hawser/proto/gen/rpc";
import { toldHeaders } from "../calls/identity-header.ts";
import type { RpcCodec } from "../calls/remote-backend.ts";

/** Requests as gRPC frames, replies as the messages in them. */
export const GRPC_CODEC: RpcCodec<Uint8Array, Uint8Array> = {
  encodeConnect,
  encodeCommand,
  encodeDisconnect,
  decodeConnect,
  decodeCommand,
  decodeDisconnect,
  sizeOf: (frame) => frame.length - FRAME_HEADER_BYTES,
};

const NO_STATE: StateMap = {};

/** @returns the request as one gRPC frame. */
export function encodeConnect(request: ConnectRequest): Uint8Array {
  return encodeFrame(ConnectionRequest, { env: envOf(request.env, request.jwtIdentity) });
}

/** @returns the request as one gRPC frame. */
export function encodeCommand(request: CommandRequest): Uint8Array {
  return encodeFrame(CommandMessage, {
    command: request.command,
    identifier: request.identifier,
    connectionIdentifiers: request.connectionIdentifiers,
    data: request.data,
    env: envOf(request.env, request.jwtIdentity),
  });
}

/** @returns the request as one gRPC frame. */
export function encodeDisconnect(request: DisconnectRequest): Uint8Array {
  return encodeFrame(DisconnectMessage, {
    identifiers: request.identifiers,
    subscriptions: [...request.subscriptions],
    env: envOf(request.env, request.jwtIdentity),
  });
}

function envOf(env: RpcEnv, jwtIdentity: string | null): Env {
  const { url, cstate, istate } = env;
  return { url, headers: toldHeaders(env, jwtIdentity), cstate, istate };
}

/** Throws when the bytes are not a ConnectionResponse. */
export function decodeConnect(message: Uint8Array): ConnectReply {
  const reply = ConnectionResponse.decode(message);
  return {
    status: statusOf(reply.status),
    identifiers: reply.identifiers,
    transmissions: reply.transmissions,
    errorMessage: reply.errorMsg,
    cstate: reply.env?.cstate ?? NO_STATE,
  };
}

/** Throws when the bytes are not a CommandResponse. */
export function decodeCommand(message: Uint8Array): CommandReply {
  const reply = CommandResponse.decode(message);
  return {
    status: statusOf(reply.status),
    disconnect: reply.disconnect,
    stopStreams: reply.stopStreams,
    streams: reply.streams,
    stoppedStreams: reply.stoppedStreams,
    transmissions: reply.transmissions,
    errorMessage: reply.errorMsg,
    cstate: reply.env?.cstate ?? NO_STATE,
    istate: reply.env?.istate ?? NO_STATE,
    presence: reply.presence === undefined ? null : presenceOf(reply.presence),
  };
}

function presenceOf({ type, id, info }: PresenceResponse): PresenceReply {
  return { type, id, info };
}

/** Throws when the bytes are not a DisconnectResponse. */
export function decodeDisconnect(message: Uint8Array): DisconnectReply {
  const reply = DisconnectResponse.decode(message);
  return { status: statusOf(reply.status), errorMessage: reply.errorMsg };
}

/** A status of a later contract is an error, like one that is missing. */
function statusOf(status: Status): ReplyStatus {
  if (status === Status.SUCCESS) return "success";
  return status === Status.FAILURE ? "failure" : "error";
}
