import { type RemoteBackend, type RemoteBackendOptions, RemoteCalls } from "../calls/remote-backend.ts";
import { wantsTls } from "../calls/rpc-tls.ts";
import { FINGERPRINT_HEADER } from "../calls/secret-check.ts";
import { grpcLine } from "./grpc-line.ts";
import { GRPC_CODEC } from "./messages.ts";
import { type GrpcBackendTarget, openChannel } from "./open-channel.ts";

export type GrpcBackendOptions = GrpcBackendTarget & Omit<RemoteBackendOptions, "secure">;

/**
 * The application behind a gRPC service.
 *
 * Throws `CableError` `config_invalid` when the host or the TLS options cannot be used. Nothing is sent before `start`
 * or the first call.
 */
export function createGrpcBackend(options: GrpcBackendOptions): RemoteBackend {
  const { log, secrets } = options;
  const channel = openChannel(options, {
    onNotice: (line) => log.warn(line, { impl: "grpc" }),
    replyHeader:
      secrets === null ? null : { name: FINGERPRINT_HEADER, heard: (value) => secrets.heard(value) },
  });
  const secure = wantsTls(options);
  return new RemoteCalls("grpc", { ...options, secure }, grpcLine(options.host, channel, log), GRPC_CODEC);
}
