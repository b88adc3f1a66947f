import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { GrpcChannel } from "../../drivers/grpc/channel.ts";
import type { CallLine, MethodName } from "../calls/call-line.ts";
import { protocolError } from "../calls/wording.ts";
import { callFailure, isWorthAnotherAttempt } from "./call-failure.ts";
import { ConnectionState } from "./connection-state.ts";

const PATHS: Readonly<Record<MethodName, string>> = {
  Connect: "/anycable.RPC/Connect",
  Command: "/anycable.RPC/Command",
  Disconnect: "/anycable.RPC/Disconnect",
};

/** Calls go out over `channel`, each as one frame. */
export function grpcLine(peer: string, channel: GrpcChannel, log: Log): CallLine<Uint8Array, Uint8Array> {
  const connection = new ConnectionState(channel, log);
  return {
    peer,
    send: (method, frame, headers, timeoutMs, sink) =>
      channel.call(PATHS[method], frame, headers, timeoutMs, sink),
    refusal: () => connection.refusal(),
    lost: (details) => connection.callFailed(details),
    silence: () => (channel.state() === "ready" ? "no reply" : "no connection was established"),
    isWorthAnotherAttempt,
    failure: (failed) => callFailure(failed, channel.lastFailure()),
    undecodable(method, message, peer, thrown) {
      const what = `the RPC backend at ${peer} answered ${method} with ${message.length} bytes that are no reply`;
      return protocolError(`${what}: ${messageOf(thrown)}; check that it serves the same rpc.proto`, thrown);
    },
    connect: () => channel.connect(),
    hasConnected: () => channel.hasConnected(),
    connections: () => channel.connections(),
    close: () => channel.close(),
  };
}
