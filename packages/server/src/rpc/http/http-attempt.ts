import type { HttpFailure, HttpSink } from "../../drivers/http-client/client-connection.ts";
import type { HttpExchange } from "../../drivers/http-client/keep-alive-client.ts";
import type { HttpResponse } from "../../drivers/http-client/response-reader.ts";
import type { Attempt, AttemptSink } from "../calls/call-line.ts";
import { type AttemptFailure, failureOf, failureOfStatus } from "./http-failure.ts";

/** What an attempt needs of the line that it goes over. */
export interface AttemptHost {
  /** Where it leads, for messages and to compare redirects with. */
  readonly peer: string;
  readonly origin: string;
  post(request: PostRequest, sink: HttpSink): HttpExchange;
  /** Something has answered, whatever it says; null for what could not be read to its end. */
  heard(response: HttpResponse | null, begun: number): void;
  /** Nothing has answered. */
  failed(reason: string, begun: number): void;
  /** Nobody waits for it any more; the code says whether because its time was up. */
  givenUp(code: number, begun: number): void;
}

export interface PostRequest {
  /** With the query. */
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly body: string;
}

const MAX_REDIRECTS = 3;

/** One POST, and those that the application redirects it to at its own place: a path without its slash, for instance. */
export class HttpAttempt implements Attempt, HttpSink {
  readonly #host: AttemptHost;
  readonly #request: PostRequest;
  /** For the breaker. */
  readonly #begun: number;
  readonly #sink: AttemptSink<string>;
  #exchange: HttpExchange;
  #redirects = 0;
  #done = false;

  constructor(host: AttemptHost, request: PostRequest, begun: number, sink: AttemptSink<string>) {
    this.#host = host;
    this.#request = request;
    this.#begun = begun;
    this.#sink = sink;
    this.#exchange = host.post(request, this);
  }

  answered(response: HttpResponse): void {
    const { status, headers, body } = response;
    const where = status >= 300 && status < 400 ? headers.get("location") : undefined;
    const path = where === undefined ? null : this.#pathOfRedirect(status, where);
    if (path !== null) {
      this.#redirects += 1;
      this.#exchange = this.#host.post({ ...this.#request, path }, this);
      return;
    }
    this.#done = true;
    this.#host.heard(response, this.#begun);
    if (status === 200) {
      const coding = headers.get("content-encoding") ?? "identity";
      if (coding === "identity") this.#sink.replied(body.toString("utf8"));
      else
        this.#fail(
          failureOf({ kind: "no_http", reason: `it is compressed (${coding}), which was not asked for` }),
        );
    } else {
      this.#fail(failureOfStatus(status, body.toString("utf8"), where));
    }
  }

  unanswered(failure: HttpFailure): void {
    this.#done = true;
    // An answer that is too large, or breaks off, says that the application is there.
    if (failure.kind === "too_large" || failure.kind === "cut_short") this.#host.heard(null, this.#begun);
    else this.#host.failed(failure.reason, this.#begun);
    this.#fail(failureOf(failure));
  }

  cancel(code: number): void {
    if (this.#done) return;
    this.#done = true;
    this.#exchange.cancel();
    this.#host.givenUp(code, this.#begun);
  }

  peer(): string {
    return this.#host.peer;
  }

  #fail({ code, details }: AttemptFailure): void {
    this.#sink.failed(code, details);
  }

  /** Only these two say that the same request is to be made; elsewhere the secret would go to somebody else. */
  #pathOfRedirect(status: number, where: string): string | null {
    if ((status !== 307 && status !== 308) || this.#redirects >= MAX_REDIRECTS) return null;
    const base = `${this.#host.origin}${this.#request.path}`;
    const url = URL.canParse(where, base) ? new URL(where, base) : null;
    return url === null || url.origin !== this.#host.origin ? null : `${url.pathname}${url.search}`;
  }
}
