import type { Cancel, Clock } from "@hawser/core/clock";
import { type CableError, messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { GRPC_STATUS } from "../../drivers/grpc/status.ts";
import type { HttpSink } from "../../drivers/http-client/client-connection.ts";
import type { HttpClient, HttpExchange } from "../../drivers/http-client/keep-alive-client.ts";
import type { HttpResponse } from "../../drivers/http-client/response-reader.ts";
import type { Attempt, AttemptSink, CallLine, FailedCall, MethodName } from "../calls/call-line.ts";
import { protocolError, quoted } from "../calls/wording.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { type AttemptHost, HttpAttempt, type PostRequest } from "./http-attempt.ts";
import { callFailure } from "./http-failure.ts";
import { requestText } from "./http-request.ts";
import type { HttpTarget } from "./http-target.ts";

export interface HttpLineParts {
  readonly client: HttpClient;
  readonly target: HttpTarget;
  /** What `Authorization: Bearer` carries now; null for no such header. */
  readonly secret: () => string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** A header of answers, in lower case, and who hears its value of each that has it; null for none. */
  readonly replyHeader: { readonly name: string; heard(value: string): void } | null;
}

const SEGMENTS: Readonly<Record<MethodName, string>> = {
  Connect: "connect",
  Command: "command",
  Disconnect: "disconnect",
};

/** What the reference says while the breaker is open (rpc/http.go@1.6.16). */
const NOT_NOW = "http rpc is temporarily unavailable";
/** How long one look at an application that has not answered anything yet may take, and the time between two. */
const LOOK_MS = 5_000;
const LOOK_AGAIN_MS = 1_000;

/** Calls go out as POST requests, with the metadata in headers (anycable rpc/http.go@1.6.16). */
export class HttpLine implements CallLine<string, string>, AttemptHost {
  /** Host and port as in the URL. */
  readonly peer: string;
  readonly origin: string;
  readonly #parts: HttpLineParts;
  readonly #breaker: CircuitBreaker;
  #lastFault = "";
  #answered = false;
  #stopLooking: Cancel | null = null;
  #closed = false;

  constructor(parts: HttpLineParts) {
    this.#parts = parts;
    this.peer = parts.target.authority;
    this.origin = parts.target.origin;
    const log = parts.log.with({ context: "cb", name: "httrpc" });
    this.#breaker = new CircuitBreaker(parts.clock, {
      opened: () => log.warn("circuit breaker is open", { error: quoted(this.#lastFault) }),
      closed: () => log.info("circuit breaker is closed"),
    });
  }

  send(
    method: MethodName,
    body: string,
    metadata: Readonly<Record<string, string>>,
    _timeoutMs: number,
    sink: AttemptSink<string>,
  ): Attempt {
    const { target } = this.#parts;
    const path = `${target.path}/${SEGMENTS[method]}${target.query}`;
    return new HttpAttempt(this, { path, body, metadata }, this.#breaker.begin(), sink);
  }

  post({ path, metadata, body }: PostRequest, sink: HttpSink): HttpExchange {
    const { client, secret } = this.#parts;
    return client.send(requestText({ path, authority: this.peer, secret: secret(), metadata, body }), sink);
  }

  heard(response: HttpResponse | null, begun: number): void {
    this.#answered = true;
    this.#breaker.succeeded(begun);
    const { replyHeader } = this.#parts;
    const value = replyHeader === null ? undefined : response?.headers.get(replyHeader.name);
    if (value !== undefined) replyHeader?.heard(value);
  }

  failed(reason: string, begun: number): void {
    this.#lastFault = reason;
    this.#breaker.failed(begun);
  }

  givenUp(code: number, begun: number): void {
    // BackendCall has it end so when its time is up, and when its session has ended.
    if (code === GRPC_STATUS.DEADLINE_EXCEEDED) this.failed("no reply in time", begun);
    else this.#breaker.abandoned(begun);
  }

  refusal(): string | null {
    if (this.#closed) return "the client is closed";
    return this.#breaker.allows() ? null : NOT_NOW;
  }

  lost(): void {}

  silence(): string {
    return "no reply";
  }

  isWorthAnotherAttempt(code: number): boolean {
    return code === GRPC_STATUS.UNAVAILABLE;
  }

  failure(failed: FailedCall): CableError {
    const known = failed.details === NOT_NOW && this.#lastFault !== "";
    return callFailure(
      known ? { ...failed, details: `${NOT_NOW}; the last time: ${this.#lastFault}` } : failed,
    );
  }

  undecodable(method: MethodName, message: string, peer: string, thrown: unknown): CableError {
    const what = `the RPC backend at ${peer} answered ${method} with ${message.length} characters that are no reply`;
    return protocolError(
      `${what}: ${quoted(messageOf(thrown))}; check that it serves AnyCable's RPC over HTTP`,
      thrown,
    );
  }

  /** Asks for the endpoint itself, which runs nothing of the application, until anything answers. */
  connect(): void {
    if (this.#answered || this.#closed) return;
    const { client, target, clock } = this.#parts;
    const look = client.send(requestText({ method: "GET", path: `${target.path}/`, authority: this.peer }), {
      answered: () => {
        this.#stopLooking?.();
        this.#answered = true;
      },
      unanswered: () => {
        this.#stopLooking?.();
        this.#stopLooking = clock.after(LOOK_AGAIN_MS, () => this.connect());
      },
    });
    this.#stopLooking = clock.after(LOOK_MS, () => {
      look.cancel();
      this.connect();
    });
  }

  hasConnected(): boolean {
    return this.#answered;
  }

  connections(): number {
    return this.#parts.client.connections();
  }

  close(): void {
    this.#closed = true;
    this.#stopLooking?.();
    this.#parts.client.close();
  }
}
