import type { StockCable, StockTransport } from "./stock-cable.ts";

/** How a token is had and shown. */
export interface TokenKeeping {
  /** Gets a token for whoever has signed in. Asked for the first one too, unless there is a `token`. */
  readonly fetchToken: () => Promise<string>;
  /** One that the page has already. */
  readonly token?: string;
  /**
   * How the client shows it when it connects. `message`: in the first message, so that it is in no URL; the server needs
   * `--jwt_first_message`. `request`, unless said otherwise: where `websocketAuthStrategy` of the cable puts it.
   */
  readonly carrier?: "request" | "message";
  /** The server's `--jwt_param`; `jid` unless said otherwise. */
  readonly param?: string;
  /** The connection goes on with a fresh token, for so many seconds; null for as long as it likes. */
  readonly onRenewed?: (expiresInSeconds: number | null) => void;
  /** No token could be had, or the server did not take it, in spite of several tries. */
  readonly onFailed?: (fault: Error) => void;
}

export interface TokenKeeper {
  /**
   * Fetches a token and gives it to the server, at once and on the connection as it is. Without a connection the token is
   * kept for the next one.
   *
   * @returns how many seconds the connection has now; null for as long as it likes, or when there is none.
   */
  renew(): Promise<number | null>;
  /** Leaves the cable alone from now on: for a user who signs out. */
  release(): void;
}

/**
 * Keeps the token of a cable fresh: when the server says that it will expire, another one is fetched and sent on the
 * connection as it is; when it has expired all the same, the client comes back with a fresh one. Give the cable no
 * `tokenRefresher`, and call this before it connects.
 */
export function keepTokenFresh(cable: StockCable, keeping: TokenKeeping): TokenKeeper {
  return keepBy(realTime, cable, keeping);
}

/** Runs something later, unless what it returns is called before. */
export type After = (delayMs: number, run: () => void) => () => void;

const realTime: After = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

/** The same by any clock. */
export function keepBy(after: After, cable: StockCable, keeping: TokenKeeping): TokenKeeper {
  if (cable.state !== "idle") {
    throw new Error(
      "Cannot keep the cable's token fresh: it has connected already. Call keepTokenFresh() first, and leave `lazy` on.",
    );
  }
  const keeper = new Keeper(after, cable, keeping);
  return { renew: () => keeper.renew(), release: () => keeper.release() };
}

/** What a server says about tokens. */
interface AuthMessage {
  readonly type: "auth" | "auth_expiring";
  readonly error?: unknown;
  readonly expires_in?: unknown;
}

function isAboutTokens(message: unknown): message is AuthMessage {
  if (typeof message !== "object" || message === null || !("type" in message)) return false;
  return message.type === "auth" || message.type === "auth_expiring";
}

interface Waiting {
  readonly token: string;
  readonly resolve: (expiresInS: number | null) => void;
  readonly reject: (fault: Error) => void;
}

/** Tries to get another token, and the waits between them: 1 s, 2 s, ... */
const TRIES = 6;
const FIRST_WAIT_MS = 1000;

/** How long the server may take to answer. */
const ANSWER_MS = 10_000;

class Keeper {
  readonly #after: After;
  readonly #cable: StockCable;
  readonly #keeping: TokenKeeping;
  readonly #undo: (() => void)[] = [];
  #token: string | null;
  /** The token that was sent, until it is answered. */
  #waiting: Waiting | null = null;
  #renewal: Promise<number | null> | null = null;
  /** Counts connects and ends, so that whoever waited can see that the connection is another one. */
  #era = 0;
  /** A fresh token has been refused as expired: no further one would do better. */
  #comeBackFailed = false;
  #released = false;

  constructor(after: After, cable: StockCable, keeping: TokenKeeping) {
    this.#after = after;
    this.#cable = cable;
    this.#keeping = keeping;
    this.#token = keeping.token ?? null;
    cable.transport.setParam("auth", "1");
    this.#interceptMessages();
    this.#beforeConnects();
    if (keeping.carrier === "message") {
      this.#undo.push(
        cable.transport.on("open", () => cable.send({ command: "auth", token: this.#token ?? "" })),
      );
    }
    this.#undo.push(
      cable.on("connect", () => {
        this.#era += 1;
        this.#comeBackFailed = false;
      }),
      cable.on("disconnect", () => this.#lost()),
      cable.on("close", (end) => {
        this.#lost();
        if (end?.reason === "token_expired") void this.#comeBack();
      }),
    );
  }

  renew(): Promise<number | null> {
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  release(): void {
    this.#released = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.#lost();
  }

  /** The stock protocol takes these messages for unknown ones. */
  #interceptMessages(): void {
    const { protocol } = this.#cable;
    const receive = protocol.receive;
    protocol.receive = (message: unknown) => {
      if (!isAboutTokens(message)) return receive.call(protocol, message);
      this.#cable.keepalive();
      this.#heard(message);
      return undefined;
    };
    this.#undo.push(() => {
      protocol.receive = receive;
    });
  }

  #beforeConnects(): void {
    const configure = this.#cable.transportConfigurator;
    this.#cable.transportConfigurator = async (transport, connect) => {
      await configure?.(transport, connect);
      await this.#present(transport);
    };
    this.#undo.push(() => {
      this.#cable.transportConfigurator = configure;
    });
  }

  async #present(transport: StockTransport): Promise<void> {
    this.#token ??= await this.#keeping.fetchToken();
    if (this.#keeping.carrier !== "message") transport.setToken(this.#token, this.#keeping.param ?? "jid");
  }

  #heard(message: AuthMessage): void {
    if (message.type === "auth_expiring") {
      void this.#renewInTime();
      return;
    }
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    if (message.error !== undefined) {
      waiting.reject(new Error(`The server does not take the fresh token: ${String(message.error)}.`));
      return;
    }
    this.#token = waiting.token;
    waiting.resolve(typeof message.expires_in === "number" ? message.expires_in : null);
  }

  async #renewOnce(): Promise<number | null> {
    const token = await this.#keeping.fetchToken();
    if (this.#cable.state !== "connected") {
      this.#token = token;
      return null;
    }
    const expiresInS = await this.#send(token);
    if (!this.#released) this.#keeping.onRenewed?.(expiresInS);
    return expiresInS;
  }

  #send(token: string): Promise<number | null> {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(ANSWER_MS, () =>
        this.#giveUp("The server has not answered the fresh token."),
      );
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          cancel();
          settle(value);
        };
      this.#waiting = { token, resolve: done(resolve), reject: done(reject) };
      this.#cable.send({ command: "auth", token });
    });
  }

  /** The connection that an answer could have come by is gone. */
  #lost(): void {
    this.#era += 1;
    this.#giveUp("The connection ended before the fresh token was answered.");
  }

  #giveUp(why: string): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(new Error(why));
  }

  /** The token will expire. If no fresh one can be had, the server ends the connection, and we try once more then. */
  async #renewInTime(): Promise<void> {
    const era = this.#era;
    await this.#persist(
      async () => {
        await this.renew();
      },
      () => this.#era === era,
    );
  }

  /** The token has expired: another one, and a connection with it. */
  async #comeBack(): Promise<void> {
    if (this.#comeBackFailed) {
      this.#failed(new Error("The server takes the fresh token for expired: do the clocks agree?"));
      return;
    }
    this.#comeBackFailed = true;
    const era = this.#era;
    const isWanted = () => this.#era === era && this.#cable.state === "closed";
    await this.#persist(async () => {
      const token = await this.#keeping.fetchToken();
      if (!isWanted() || this.#released) return;
      this.#token = token;
      this.#cable.connect().catch(() => {}); // the client itself tries again
    }, isWanted);
  }

  /** Does it, several times if need be, for as long as it is wanted. */
  async #persist(run: () => Promise<void>, isWanted: () => boolean): Promise<void> {
    for (let tries = 1, waitMs = FIRST_WAIT_MS; ; tries++, waitMs *= 2) {
      try {
        await run();
        return;
      } catch (fault) {
        if (this.#released || !isWanted()) return;
        if (tries === TRIES) {
          this.#failed(fault instanceof Error ? fault : new Error(String(fault)));
          return;
        }
      }
      await new Promise<void>((resolve) => this.#after(waitMs, resolve));
      if (this.#released || !isWanted()) return;
    }
  }

  #failed(fault: Error): void {
    if (!this.#released) this.#keeping.onFailed?.(fault);
  }
}
