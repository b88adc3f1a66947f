import type { Exchange, Route } from "../drivers/http.ts";

/** A request that one thread got and another answers. */
export interface ForwardedRequest {
  readonly id: number;
  readonly method: string;
  readonly pathname: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly peerAddress: string;
}

export interface ForwardedAnswer {
  readonly id: number;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Sends requests of the main port on to the control thread, which serves these paths. */
export class RequestForwarder {
  readonly #send: (request: ForwardedRequest) => void;
  readonly #waiting = new Map<number, (answer: ForwardedAnswer) => void>();
  #nextId = 0;

  constructor(send: (request: ForwardedRequest) => void) {
    this.#send = send;
  }

  route<T>(paths: readonly string[]): Route<T> {
    return { paths, pattern: null, handle: (exchange) => this.#forward(exchange) };
  }

  answered(answer: ForwardedAnswer): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }

  async #forward<T>(exchange: Exchange<T>): Promise<Response> {
    const { request, pathname, query } = exchange;
    const peerAddress = exchange.peerAddress();
    const { method } = request;
    // The runtime bounds it, as where it is answered by the thread that got it.
    const body = await request.text();
    this.#nextId += 1;
    const id = this.#nextId;
    const answered = new Promise<ForwardedAnswer>((resolve) => this.#waiting.set(id, resolve));
    const headers = [...request.headers];
    this.#send({ id, method, pathname, query, headers, body, peerAddress });
    const { status, headers: said, body: text } = await answered;
    return new Response(text === "" ? null : text, {
      status,
      headers: said.map(([name, value]) => [name, value]),
    });
  }
}

/** Answers what another thread forwarded, by the routes that this one serves. */
export async function answerForwarded<T>(
  routes: readonly Route<T>[],
  forwarded: ForwardedRequest,
  onFault: (thrown: unknown) => void,
): Promise<ForwardedAnswer> {
  const { id, pathname } = forwarded;
  const route = routes.find(({ paths }) => paths.includes(pathname));
  if (route === undefined) return { id, status: 404, headers: [], body: "" };
  try {
    const response = await route.handle(exchangeOf(forwarded));
    if (response === null) throw new Error(`${pathname} upgraded a request that was forwarded`);
    return { id, status: response.status, headers: [...response.headers], body: await response.text() };
  } catch (thrown) {
    onFault(thrown);
    return { id, status: 500, headers: [], body: "Internal Server Error\n" };
  }
}

function exchangeOf<T>({
  method,
  pathname,
  query,
  headers,
  body,
  peerAddress,
}: ForwardedRequest): Exchange<T> {
  const mayHaveBody = method !== "GET" && method !== "HEAD";
  const request = new Request(`http://forwarded${pathname}${query === "" ? "" : `?${query}`}`, {
    method,
    headers: headers.map(([name, value]) => [name, value]),
    ...(mayHaveBody ? { body } : {}),
  });
  return {
    ...{ request, pathname, query },
    peerAddress: () => peerAddress,
    allowSilence() {},
    upgrade: () => false,
  };
}
