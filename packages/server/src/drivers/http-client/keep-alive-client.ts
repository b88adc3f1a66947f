import {
  ClientConnection,
  type ConnectionOptions,
  type ConnectionOwner,
  type HttpSink,
} from "./client-connection.ts";

/** A request that is under way. */
export interface HttpExchange {
  /** Gives it up: the server sees its connection close, and the sink hears nothing. */
  cancel(): void;
}

/** HTTP/1.1 to one server, over as many connections as there are requests at a time; they are kept for the next ones. */
export interface HttpClient {
  /**
   * The sink hears of it once, and never before this has returned.
   *
   * @param request a whole one, head and body, with its length.
   */
  send(request: string, sink: HttpSink): HttpExchange;
  /** How many connections stand, or are being made. */
  connections(): number;
  close(): void;
}

/** A connection is given up this long before its server would do it. */
const SAFETY_MS = 1000;

export function createHttpClient(options: ConnectionOptions): HttpClient {
  return new KeepAliveClient(options);
}

interface Idle {
  readonly connection: ClientConnection;
  readonly untilMs: number;
}

class KeepAliveClient implements HttpClient, ConnectionOwner {
  readonly #options: ConnectionOptions;
  readonly #all = new Set<ClientConnection>();
  /** The one that was used last is used next, so that those too many grow old and are closed by the server. */
  #idle: Idle[] = [];
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  send(request: string, sink: HttpSink): HttpExchange {
    if (this.#closed) {
      queueMicrotask(() => sink.unanswered({ kind: "unreachable", reason: "the client is closed" }));
      return { cancel() {} };
    }
    const connection = this.#take() ?? this.#open();
    connection.send(request, sink);
    return { cancel: () => connection.destroy() };
  }

  connections(): number {
    return this.#all.size;
  }

  close(): void {
    this.#closed = true;
    for (const connection of [...this.#all]) connection.destroy();
  }

  free(connection: ClientConnection, keptForMs: number | null): void {
    const untilMs = keptForMs === null ? Number.POSITIVE_INFINITY : performance.now() + keptForMs - SAFETY_MS;
    this.#idle.push({ connection, untilMs });
  }

  gone(connection: ClientConnection): void {
    this.#all.delete(connection);
    this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
  }

  #open(): ClientConnection {
    const connection = new ClientConnection(this.#options, this);
    this.#all.add(connection);
    return connection;
  }

  #take(): ClientConnection | null {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (performance.now() < idle.untilMs) return idle.connection;
      idle.connection.destroy();
    }
    return null;
  }
}
