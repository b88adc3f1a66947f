import { CableError, messageOf } from "@hawser/core/errors";
import { fileExists, readTextFile } from "../../drivers/files.ts";
import type { GrpcChannel, GrpcChannelOptions, SecureConnect } from "../../drivers/grpc/channel.ts";
import { createGrpcChannel } from "../../drivers/grpc/round-robin-channel.ts";
import { grpcTls } from "../../drivers/grpc/tls.ts";
import { parseGrpcTarget } from "./target.ts";

/** Where the application's service is, and how it is reached. */
export interface GrpcBackendTarget {
  /** `--rpc_host`: see `parseGrpcTarget`. */
  readonly host: string;
  /** Largest reply; 0 for gRPC's own limit, 4 MiB. */
  readonly maxRecvBytes: number;
  /** A root CA turns TLS on by itself. */
  readonly enableTls: boolean;
  readonly tlsVerify: boolean;
  /** A path, or PEM text; null or empty for the system's roots. */
  readonly tlsRootCa: string | null;
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
  const { host, maxRecvBytes } = options;
  return createGrpcChannel({
    target: parseGrpcTarget(host),
    secure: openTls(options),
    maxRecvBytes: maxRecvBytes > 0 ? maxRecvBytes : DEFAULT_MAX_RECV_BYTES,
    lookUpIntervalMs: LOOK_UP_INTERVAL_MS,
    maxCallsPerConnection: MAX_CALLS_PER_CONNECTION,
    ...ears,
    ...KEEPALIVE,
    ...RECONNECT,
  });
}

function openTls({ enableTls, tlsRootCa, tlsVerify }: GrpcBackendTarget): SecureConnect | null {
  const rootCa = tlsRootCa === "" ? null : tlsRootCa;
  if (!enableTls && rootCa === null) return null;
  try {
    return grpcTls({ rootCa: rootCa === null ? null : pemText(rootCa), verify: tlsVerify });
  } catch (thrown) {
    const text = `cannot use rpc_tls_root_ca: ${messageOf(thrown)}; give a PEM file, or the PEM text itself`;
    throw new CableError("config_invalid", text, { cause: thrown });
  }
}

function pemText(fileOrText: string): string {
  if (fileOrText.includes("-----BEGIN ")) return fileOrText;
  if (!fileExists(fileOrText)) throw new Error(`there is no file "${fileOrText}"`);
  return readTextFile(fileOrText);
}
