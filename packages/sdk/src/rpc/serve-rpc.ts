import { listenGrpc, type ServerTls } from "../drivers/grpc.ts";
import type { RpcHandlers } from "./cable.ts";
import { checkedCalls } from "./checked-calls.ts";
import { createSecretComparison, type SecretNotice, writeNotice } from "./secret-comparison.ts";
import type { VerifyTokensOptions } from "./token-check.ts";

/** Where an application is served. */
export interface ServeRpcOptions {
  /** 127.0.0.1 unless given: whoever can reach the port can speak for any client. */
  readonly host?: string;
  /** 50051, where servers look for it, unless given; 0 for any that is free. */
  readonly port?: number;
  /** Serve TLS; the server then needs `--rpc_enable_tls`. */
  readonly tls?: ServerTls;
  /** How long `close` lets the calls that are under way go on; 2000 ms unless given. */
  readonly graceMs?: number;
  /**
   * The secret that this application's tokens are signed with. It stays here; its fingerprint is compared with the
   * server's at every call, and when they differ both sides say so: then all tokens are refused.
   */
  readonly secret?: string;
  /**
   * Verify the client's token here as well, with `secret` and the server's own code, whatever the server says of it: a call
   * whose token fails, or has other claims than the server passes on, is refused, with a notice of which claim or key it
   * was. For tokens by HMAC.
   */
  readonly verifyTokens?: boolean | VerifyTokensOptions;
  /** Told of what came of the comparison, and of tokens that are refused here; a line on standard error unless given. */
  readonly onNotice?: (notice: SecretNotice) => void;
}

/** An application that is being served. */
export interface RpcService {
  /** The port that it was given, or found. */
  readonly port: number;
  /** Takes no more calls, lets those that are under way end, for at most `graceMs`, and stops. May be called again. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 50051;
const DEFAULT_GRACE_MS = 2000;

/**
 * Serves an application by gRPC, with the standard health service for `anycable.RPC`.
 *
 * Rejects with CableError `io_failed` when the address cannot be used, or `config_invalid` for an empty secret,
 * or none where tokens are to be verified.
 */
export async function serveRpc(cable: RpcHandlers, options: ServeRpcOptions = {}): Promise<RpcService> {
  const { host = "127.0.0.1", port = DEFAULT_PORT, tls = null, graceMs = DEFAULT_GRACE_MS } = options;
  const { secret, onNotice = writeNotice } = options;
  const secrets = secret === undefined ? null : createSecretComparison(secret, onNotice);
  const handlers = checkedCalls(cable, options, onNotice);
  const listener = await listenGrpc(handlers, { host, port }, { tls, secrets });
  let closed: Promise<void> | null = null;
  return {
    port: listener.port,
    close() {
      closed ??= listener.close(graceMs);
      return closed;
    },
  };
}
