import { type RemoteBackend, type RemoteBackendOptions, RemoteCalls } from "../calls/remote-backend.ts";
import { type RpcTlsOptions, wantsTls } from "../calls/rpc-tls.ts";
import { HttpLine } from "./http-line.ts";
import { FINGERPRINT_REPLY_HEADER } from "./http-request.ts";
import { parseHttpTarget } from "./http-target.ts";
import { JSON_CODEC } from "./json-messages.ts";
import { openClient } from "./open-client.ts";

export interface HttpBackendOptions extends Omit<RemoteBackendOptions, "secure">, RpcTlsOptions {
  /** What `Authorization: Bearer` carries now; null for no such header. */
  readonly secret: () => string | null;
  /** Largest reply; 0 for 4 MiB, as over gRPC. */
  readonly maxRecvBytes: number;
}

/**
 * The application behind an HTTP endpoint.
 *
 * Throws `CableError` `config_invalid` when the host or the TLS options cannot be used. Nothing is sent before `start`
 * or the first call.
 */
export function createHttpBackend(options: HttpBackendOptions): RemoteBackend {
  const { clock, log, secret, secrets } = options;
  const target = parseHttpTarget(options.host);
  const client = openClient(target, options);
  const replyHeader =
    secrets === null
      ? null
      : {
          name: FINGERPRINT_REPLY_HEADER,
          heard: (value: string) => secrets.heard(value),
        };
  const line = new HttpLine({ client, target, secret, clock, log, replyHeader });
  return new RemoteCalls("http", { ...options, secure: wantsTls(options) }, line, JSON_CODEC);
}
