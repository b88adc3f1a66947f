import type { GrpcChannel, GrpcChannelOptions } from "../../drivers/grpc/channel.ts";
import { createGrpcChannel } from "../../drivers/grpc/round-robin-channel.ts";

import { type RpcTlsOptions, rpcTls } from "../calls/rpc-tls.ts";
import { parseGrpcTarget } from "./target.ts";

/** Where the application's service is, and how it is reached. */
export interface GrpcBackendTarget extends RpcTlsOptions {
  /** `--rpc_host`: see `parseGrpcTarget`. */
  readonly host: string;
  /** Largest reply; 0 for gRPC's own limit, 4 MiB. */
  readonly maxRecvBytes: number;
  /** Connections to each address. */
  readonly poolSize: number;
}

const DEFAULT_MAX_RECV_BYTES = 4 * 1024 * 1024;
/** anycable rpc/rpc.go@1.6.16, and grpc-go for the time-out and for how long a connection may take. */
const KEEPALIVE = { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 20_000, silentPeerMs: 20_000 } as const;
/** The reference starts at 1 s and goes up to 120: a backend that restarted would be found late. */
const RECONNECT = { minReconnectMs: 100, maxReconnectMs: 1_000 } as const;
/** A backend that moved to another address is found again within this. */
const LOOK_UP_INTERVAL_MS = 5_000;
const MAX_CALLS_PER_CONNECTION = 1_000_000_000;

/** @throws CableError `config_invalid` when the host or the TLS options cannot be used. */
export function openChannel(
  options: GrpcBackendTarget,
  ears: Pick<GrpcChannelOptions, "onNotice" | "replyHeader">,
): GrpcChannel {
  const { host, maxRecvBytes, poolSize } = options;
  return createGrpcChannel({
    target: parseGrpcTarget(host),
    secure: rpcTls(options, "h2"),
    maxRecvBytes: maxRecvBytes > 0 ? maxRecvBytes : DEFAULT_MAX_RECV_BYTES,
    lookUpIntervalMs: LOOK_UP_INTERVAL_MS,
    connectionsPerAddress: poolSize,
    maxCallsPerConnection: MAX_CALLS_PER_CONNECTION,
    ...ears,
    ...KEEPALIVE,
    ...RECONNECT,
  });
}
