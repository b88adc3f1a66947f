import { createHttpClient } from "../../drivers/http-client/keep-alive-client.ts";
import { type RemoteBackend, type RemoteBackendOptions, RemoteCalls } from "../calls/remote-backend.ts";
import { type RpcTlsOptions, rpcTls, wantsTls } from "../calls/rpc-tls.ts";
import { FINGERPRINT_HEADER } from "../calls/secret-check.ts";
import { HttpLine } from "./http-line.ts";
import { METADATA_PREFIX } from "./http-request.ts";
import { parseHttpTarget } from "./http-target.ts";
import { JSON_CODEC } from "./json-messages.ts";

export interface HttpBackendOptions extends Omit<RemoteBackendOptions, "secure">, RpcTlsOptions {
  /** What `Authorization: Bearer` carries now; null for no such header. */
  readonly secret: () => string | null;
  /** Largest reply; 0 for 4 MiB, as over gRPC. */
  readonly maxRecvBytes: number;
}

const DEFAULT_MAX_RECV_BYTES = 4 * 1024 * 1024;

/**
 * The application behind an HTTP endpoint.
 *
 * Throws `CableError` `config_invalid` when the host or the TLS options cannot be used. Nothing is sent before `start`
 * or the first call.
 */
export function createHttpBackend(options: HttpBackendOptions): RemoteBackend {
  const { clock, log, secret, secrets, maxRecvBytes } = options;
  const target = parseHttpTarget(options.host);
  const client = createHttpClient({
    host: target.host,
    port: target.port,
    // The reference takes the TLS options into account with `rpc_enable_tls` alone; here the URL is enough.
    secure: target.secure ? rpcTls({ ...options, enableTls: true }, "http/1.1") : null,
    maxBodyBytes: maxRecvBytes > 0 ? maxRecvBytes : DEFAULT_MAX_RECV_BYTES,
  });
  const replyHeader =
    secrets === null
      ? null
      : {
          name: `${METADATA_PREFIX}${FINGERPRINT_HEADER}`.toLowerCase(),
          heard: (value: string) => secrets.heard(value),
        };
  const line = new HttpLine({ client, target, secret, clock, log, replyHeader });
  return new RemoteCalls("http", { ...options, secure: wantsTls(options) }, line, JSON_CODEC);
}
