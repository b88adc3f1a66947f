import { type ClientHttp2Session, connect as startHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { BatchedSocket } from "./batched-socket.ts";
import type { GrpcAddress, SecureConnect } from "./channel.ts";

export interface DialOptions {
  /** Null for plain text. */
  readonly secure: SecureConnect | null;
  /** The name that the certificate must be good for. */
  readonly serverName: string;
  /** How long the whole may take. */
  readonly silentPeerMs: number;
}

/** Hears one of the two, once. */
export interface DialOutcome {
  /** The peer has sent its settings: it speaks HTTP/2. */
  connected(session: ClientHttp2Session, socket: Socket): void;
  failed(reason: string): void;
}

/** How much of a reply the server may send before it hears that it was read: all of most. */
const SETTINGS = { enablePush: false, initialWindowSize: 1 << 20 };

/** Opens one HTTP/2 connection: TCP or a Unix socket, then TLS where it is asked for, then the settings of the peer. */
export class Dial {
  readonly #options: DialOptions;
  readonly #outcome: DialOutcome;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #session: ClientHttp2Session | null = null;
  #accepted = false;
  #securing = false;
  #done = false;

  constructor(address: GrpcAddress, options: DialOptions, outcome: DialOutcome) {
    this.#options = options;
    this.#outcome = outcome;
    this.#socket = connect(address);
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#fail(error.message));
    this.#socket.once("close", () => {
      // Why a handshake failed is told by its promise, a little later.
      if (!this.#securing) this.#fail(PEER_CLOSED);
    });
    this.#socket.once("connect", () => this.#tcpStands());
    this.#timer = setTimeout(
      () => this.#fail(this.#accepted ? PEER_SILENT : NOT_ACCEPTED),
      options.silentPeerMs,
    );
    this.#timer.unref();
  }

  /** Gives up; nothing is heard after it. */
  cancel(): void {
    if (this.#finish()) this.#discard();
  }

  #tcpStands(): void {
    this.#accepted = true;
    const { secure, serverName } = this.#options;
    if (secure === null) {
      this.#startHttp2(this.#socket, "http");
    } else {
      this.#securing = true;
      secure(this.#socket, serverName).then(
        (secured) => this.#startHttp2(secured, "https"),
        (error: Error) => this.#fail(error.message),
      );
    }
  }

  #startHttp2(socket: Socket, scheme: string): void {
    if (this.#done) return;
    const session = startHttp2(`${scheme}://localhost`, {
      createConnection: () => new BatchedSocket(socket),
      settings: SETTINGS,
    });
    this.#session = session;
    session.on("error", (error) => this.#fail(http2Reason(error)));
    session.once("close", () => this.#fail(PEER_CLOSED));
    session.once("remoteSettings", () => {
      if (this.#finish()) this.#outcome.connected(session, socket);
    });
  }

  #fail(reason: string): void {
    if (!this.#finish()) return;
    this.#discard();
    this.#outcome.failed(reason);
  }

  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    clearTimeout(this.#timer);
    return true;
  }

  #discard(): void {
    this.#session?.destroy();
    this.#socket.destroy();
  }
}

const PEER_SILENT = "the peer accepted the connection and says nothing";
const NOT_ACCEPTED = "nobody there accepts the connection";
const PEER_CLOSED = "Failed to connect (the peer closed the connection; does it expect TLS?)";

/** The runtime's words for a peer that talks something else do not say so. */
function http2Reason(error: Error & { readonly code?: string }): string {
  const hint = error.code?.startsWith("ERR_HTTP2_") ? " (the peer does not speak HTTP/2)" : "";
  return `${error.message}${hint}`;
}
