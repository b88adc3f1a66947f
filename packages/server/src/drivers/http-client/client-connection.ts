import { connect, type Socket } from "node:net";
import { isTlsRefusal, type TlsStart } from "../client-tls.ts";
import { type HttpResponse, type ResponseProblem, ResponseReader } from "./response-reader.ts";

/** Why there is no answer. */
export interface HttpFailure {
  /**
   * `unreachable`: there is no connection, or it ended before the answer began; `untrusted`: TLS came to nothing;
   * `cut_short`: it ended within the answer; the others are about what was answered.
   */
  readonly kind: "unreachable" | "untrusted" | ResponseProblem["problem"];
  readonly reason: string;
}

/** Hears one of the two, once. */
export interface HttpSink {
  answered(response: HttpResponse): void;
  unanswered(failure: HttpFailure): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** Null for plain text. */
  readonly secure: TlsStart | null;
  readonly maxBodyBytes: number;
}

export interface ConnectionOwner {
  /** The answer has come and another request may follow, within so many milliseconds where the server says so. */
  free(connection: ClientConnection, keptForMs: number | null): void;
  /** It carries nothing any more. */
  gone(connection: ClientConnection): void;
}

/** One connection, with one request at a time. */
export class ClientConnection {
  readonly #options: ConnectionOptions;
  readonly #owner: ConnectionOwner;
  /** Null until it stands. */
  #socket: Socket | null = null;
  readonly #raw: Socket;
  #securing = false;
  #request: string | null = null;
  #sink: HttpSink | null = null;
  #reader: ResponseReader;
  #ended = false;

  constructor(options: ConnectionOptions, owner: ConnectionOwner) {
    const { host, port, secure } = options;
    this.#options = options;
    this.#owner = owner;
    this.#reader = new ResponseReader(options.maxBodyBytes);
    this.#raw = connect({ host, port });
    this.#raw.setNoDelay(true);
    this.#raw.on("error", (error) => this.#broken(error.message));
    // Why a handshake failed is told by its promise, a little later.
    this.#raw.once("close", () => void (this.#securing || this.#broken(CLOSED)));
    this.#raw.once("connect", () => {
      if (secure === null) this.#stands(this.#raw);
      else this.#secure(secure);
    });
  }

  /** @param request a whole one, head and body. */
  send(request: string, sink: HttpSink): void {
    this.#sink = sink;
    if (this.#socket === null) this.#request = request;
    else this.#socket.write(request);
  }

  /** Ends it, whatever it carries; its sink hears nothing more. */
  destroy(): void {
    this.#sink = null;
    this.#end();
  }

  #secure(secure: TlsStart): void {
    this.#securing = true;
    secure(this.#raw, this.#options.host).then(
      (secured) => {
        this.#securing = false;
        if (this.#ended) return secured.destroy();
        secured.on("error", (error) => this.#broken(error.message));
        secured.once("close", () => this.#broken(CLOSED));
        this.#stands(secured);
      },
      (error: Error) => {
        const kind = isTlsRefusal(error) ? "untrusted" : "unreachable";
        this.#fail({ kind, reason: error.message });
      },
    );
  }

  #stands(socket: Socket): void {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.once("end", () => this.#broken(CLOSED));
    if (this.#request === null) return;
    socket.write(this.#request);
    this.#request = null;
  }

  #read(bytes: Buffer): void {
    // Nothing was asked: this peer cannot be trusted to keep answers apart.
    const came = this.#sink === null ? null : this.#reader.feed(bytes);
    if (this.#sink === null) this.#end();
    else if (came !== null) this.#take(came);
  }

  #take(came: HttpResponse | ResponseProblem): void {
    if ("problem" in came) {
      this.#fail({ kind: came.problem, reason: came.reason });
      return;
    }
    const sink = this.#sink;
    this.#sink = null;
    if (came.reusable && !this.#ended) {
      this.#reader = new ResponseReader(this.#options.maxBodyBytes);
      this.#owner.free(this, keptForMs(came.headers.get("keep-alive")));
    } else {
      this.#end();
    }
    sink?.answered(came);
  }

  /** The connection is lost, or the server has closed it, which may be how an answer ends. */
  #broken(reason: string): void {
    if (this.#ended) return;
    if (this.#sink === null) this.#end();
    else if (!this.#reader.begun) this.#fail({ kind: "unreachable", reason });
    else if (reason === CLOSED) this.#take(this.#reader.end());
    else this.#fail({ kind: "cut_short", reason });
  }

  #fail(failure: HttpFailure): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#end();
    sink?.unanswered(failure);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    (this.#socket ?? this.#raw).destroy();
    this.#owner.gone(this);
  }
}

const CLOSED = "the peer closed the connection";

/** `Keep-Alive: timeout=5`, as Node's servers say: later the connection will be closed under the request. */
function keptForMs(header: string | undefined): number | null {
  const seconds = /\btimeout=(\d{1,6})\b/i.exec(header ?? "")?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}
