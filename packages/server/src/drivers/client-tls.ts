import { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import * as tls from "node:tls";

export interface ClientTlsOptions {
  /** What is spoken inside, by its ALPN name. HTTP/2 has to be offered by the peer; HTTP/1.1 needs no word. */
  readonly protocol: "h2" | "http/1.1";
  /** PEM text of the certificates to trust; null for those of the system and of the runtime. */
  readonly rootCa: string | null;
  /** False takes any certificate. */
  readonly verify: boolean;
}

/** How a TLS client starts on a connected socket; it rejects with an `Error` whose message says what is wrong. */
export type TlsStart = (socket: Socket, serverName: string) => Promise<Socket>;

/** The runtime has this function; the declarations, of an older Node, do not. */
const CERTIFICATE_STORE = tls as unknown as { getCACertificates(store: "system"): string[] };

/** TLS 1.2 or later. Throws when `rootCa` holds no certificate. */
export function clientTls(options: ClientTlsOptions): TlsStart {
  const context = tls.createSecureContext({ minVersion: "TLSv1.2", ca: trustedRoots(options.rootCa) });
  return (socket, serverName) => startTls(socket, serverName, context, options);
}

/** Whether what `TlsStart` rejected with is the peer's certificate or its TLS, which stay as they are, and not the network. */
export function isTlsRefusal(error: Error & { readonly code?: string }): boolean {
  const { code = "", cause } = error;
  if (
    /^(ERR_|CERT_|UNABLE_|SELF_SIGNED_|DEPTH_|HOSTNAME_|EPROTO)/.test(code) ||
    error.message === NOT_TRUSTED
  )
    return true;
  return cause instanceof Error && isTlsRefusal(cause);
}

const NOT_TRUSTED = "the certificate is not trusted";

function trustedRoots(rootCa: string | null): string[] {
  if (rootCa === null) return [...CERTIFICATE_STORE.getCACertificates("system"), ...tls.rootCertificates];
  const certificates = rootCa.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw new Error("there is no PEM certificate in it");
  // The TLS library passes over what it cannot parse, and then trusts nobody.
  for (const certificate of certificates) new X509Certificate(certificate);
  return certificates;
}

function startTls(
  socket: Socket,
  serverName: string,
  secureContext: tls.SecureContext,
  { verify, protocol }: ClientTlsOptions,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect(
      {
        socket,
        secureContext,
        host: serverName,
        // RFC 6066 3: no IP address is sent as a name. The certificate is checked against `host` either way.
        servername: isIP(serverName) === 0 ? serverName : "",
        ALPNProtocols: [protocol],
        rejectUnauthorized: verify,
      },
      () => {
        if (verify && !secured.authorized) {
          reject(secured.authorizationError ?? new Error(NOT_TRUSTED));
          secured.destroy();
        } else if (protocol === "h2" && secured.alpnProtocol !== "h2") {
          reject(new Error("the peer does not offer HTTP/2 over TLS (ALPN)"));
          secured.destroy();
        } else {
          resolve(secured);
        }
      },
    );
    secured.on("error", (error: Error & { readonly code?: string }) => reject(explained(error)));
    secured.once("close", () => reject(new Error("the peer closed the connection during the TLS handshake")));
  });
}

/** Adds what to look at where the library's own words do not tell. */
function explained(error: Error & { readonly code?: string }): Error {
  const hint = HINTS[error.code ?? ""];
  return hint === undefined ? error : new Error(`${error.message} (${hint})`, { cause: error });
}

const HINTS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: "the peer does not speak TLS",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate is signed by none of the trusted roots",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate is signed by none of the trusted roots",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate is signed by none of the trusted roots",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate signs itself and is not among the trusted roots",
};
