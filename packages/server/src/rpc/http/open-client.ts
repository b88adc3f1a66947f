import { createHttpClient, type HttpClient } from "../../drivers/http-client/keep-alive-client.ts";
import { type RpcTlsOptions, rpcTls } from "../calls/rpc-tls.ts";
import type { HttpTarget } from "./http-target.ts";

const DEFAULT_MAX_RECV_BYTES = 4 * 1024 * 1024;

/** @throws CableError `config_invalid` when the TLS options cannot be used. */
export function openClient(
  { host, port, secure }: HttpTarget,
  options: RpcTlsOptions & { readonly maxRecvBytes: number },
): HttpClient {
  return createHttpClient({
    host,
    port,
    // The reference takes the TLS options into account with `rpc_enable_tls` alone; here the URL is enough.
    secure: secure ? rpcTls({ ...options, enableTls: true }, "http/1.1") : null,
    maxBodyBytes: options.maxRecvBytes > 0 ? options.maxRecvBytes : DEFAULT_MAX_RECV_BYTES,
  });
}
