import { afterEach } from "bun:test";
import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import {
  CallScope,
  type CommandReply,
  type CommandRequest,
  type ConnectReply,
  type ConnectRequest,
  type DisconnectRequest,
} from "@hawser/core/rpc/backend";
import { type RecordedLine, RecordingLog } from "@hawser/core/testing/recording-log";
import { systemClock } from "../../src/drivers/clock.ts";
import type { RemoteBackend } from "../../src/rpc/calls/remote-backend.ts";
import { createGrpcBackend, type GrpcBackendOptions } from "../../src/rpc/grpc/grpc-backend.ts";
import { createHttpBackend, type HttpBackendOptions } from "../../src/rpc/http/http-backend.ts";

/** What the tests of the RPC adapters share: an adapter with everything it writes recorded, and ways to ask it. */

export class RecordingMeter {
  readonly totals = { calls: 0, retries: 0, errors: 0, timeouts: 0, canceled: 0, pending: 0 };
  readonly calls = this.#count("calls");
  readonly retries = this.#count("retries");
  readonly errors = this.#count("errors");
  readonly timeouts = this.#count("timeouts");
  readonly canceled = this.#count("canceled");
  readonly pending = {
    set: (n: number) => {
      this.totals.pending = n;
    },
  };

  #count(name: "calls" | "retries" | "errors" | "timeouts" | "canceled") {
    return {
      add: (n: number) => {
        this.totals[name] += n;
      },
    };
  }
}

export interface BackendUnderTest {
  readonly backend: RemoteBackend;
  /** The waits that were asked of the clock, without those for the whole call. */
  readonly pauses: readonly number[];
  readonly log: RecordingLog;
  readonly meter: RecordingMeter;
}

/** What all adapters can be told. */
export type SharedOptions = Omit<GrpcBackendOptions, "host">;

export interface RpcRig<Options> {
  /** Stops `part` when the test ends. */
  started<T extends { stop(): void }>(part: T): T;
  /** The adapter, with time enough on a busy machine; `host` is a target or a port of 127.0.0.1. */
  backend(host: string | number, options?: Partial<Options>): BackendUnderTest;
}

/** Call it once in a test file: what its tests start ends with them, last first. */
export function useGrpcRig(): RpcRig<GrpcBackendOptions> {
  return useRig((port) => `127.0.0.1:${port}`, createGrpcBackend);
}

/** The same over HTTP; a port stands for a URL with a path. */
export function useHttpRig(): RpcRig<HttpBackendOptions> {
  return useRig<HttpBackendOptions>(
    (port) => `http://127.0.0.1:${port}/_anycable`,
    (options) => createHttpBackend({ secret: () => null, ...options }),
  );
}

function useRig<Options extends { readonly clock: Clock; readonly commandTimeoutMs: number }>(
  hostAt: (port: number) => string,
  create: (options: SharedOptions & Partial<Options> & { readonly host: string }) => RemoteBackend,
): RpcRig<Options> {
  const stops: (() => void)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0).reverse()) stop();
  });
  return {
    started(part) {
      stops.push(() => part.stop());
      return part;
    },
    backend(host, options = {}) {
      const { shared, ...recorded } = recordedParts(options.commandTimeoutMs ?? 10_000, options.clock);
      const target = typeof host === "number" ? hostAt(host) : host;
      const backend = create({ ...shared, host: target, ...options, clock: shared.clock });
      stops.push(() => void backend.close(0));
      return { backend, ...recorded };
    },
  };
}

function recordedParts(commandTimeoutMs: number, given: Clock | undefined) {
  const log = new RecordingLog();
  const meter = new RecordingMeter();
  const pauses: number[] = [];
  const clock: Clock = given ?? {
    ...systemClock,
    after(delayMs, run) {
      if (delayMs !== commandTimeoutMs) pauses.push(delayMs);
      return systemClock.after(delayMs, run);
    },
  };
  const shared: SharedOptions = {
    concurrency: 28,
    commandTimeoutMs,
    requestTimeoutMs: 0,
    maxRecvBytes: 0,
    maxSendBytes: 0,
    poolSize: 1,
    enableTls: false,
    tlsVerify: true,
    tlsRootCa: null,
    proxyHeaders: ["cookie"],
    proxyCookies: [],
    log: log.with({ context: "rpc" }),
    meter,
    secrets: null,
    clock,
  };
  return { shared, pauses, log, meter };
}

export const CONNECT_REQUEST: ConnectRequest = {
  sid: "sid-1",
  env: {
    url: "http://localhost/cable",
    headers: { cookie: "a=b", REMOTE_ADDR: "127.0.0.1" },
    cstate: {},
    istate: {},
  },
  jwtIdentity: null,
};

/** The same of a client that has a state already. */
export const CONNECT_WITH_STATE: ConnectRequest = {
  ...CONNECT_REQUEST,
  env: { ...CONNECT_REQUEST.env, cstate: { k: "v" } },
};

/** What `WELCOME` and `WELCOME_REPLY` say. */
export const WELCOMED: ConnectReply = {
  status: "success",
  identifiers: '{"id":1}',
  transmissions: ['{"type":"welcome"}'],
  errorMessage: "",
  cstate: { a: "1" },
};

export const COMMAND_REQUEST: CommandRequest = {
  ...CONNECT_REQUEST,
  command: "message",
  identifier: '{"channel":"Chat"}',
  connectionIdentifiers: '{"id":1}',
  data: '{"action":"say"}',
};

/** Every field that a reply to a command has. */
export const WHOLE_REPLY: CommandReply = {
  status: "failure",
  disconnect: true,
  stopStreams: true,
  streams: ["a", "b"],
  stoppedStreams: ["s"],
  transmissions: ["é\u2028"],
  errorMessage: "e",
  cstate: { c: "" },
  istate: { i: "1" },
  presence: { type: "join", id: "7", info: '{"name":"Ann"}' },
};

export const DISCONNECT_REQUEST: DisconnectRequest = {
  ...CONNECT_REQUEST,
  env: { ...CONNECT_REQUEST.env, istate: { '{"channel":"Chat"}': '{"room":"1"}' } },
  identifiers: '{"id":1}',
  subscriptions: ['{"channel":"Chat"}'],
};

/** Connects once; what came of it, and after how long. */
export async function connectOnce(backend: RemoteBackend, request: ConnectRequest = CONNECT_REQUEST) {
  const startedAtMs = performance.now();
  try {
    const reply = await backend.connect(request, new CallScope());
    return { reply, fault: null, elapsedMs: performance.now() - startedAtMs };
  } catch (fault) {
    return { reply: null, fault, elapsedMs: performance.now() - startedAtMs };
  }
}

/** Resolves once `check` holds; rejects after `timeoutMs`. */
export async function until(check: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > deadlineMs) throw new Error(`not so within ${timeoutMs} ms: ${check}`);
    await Bun.sleep(5);
  }
}

/** The fault as one line, `code: message`. */
export function told(fault: unknown): string {
  if (!(fault instanceof CableError)) return `not a CableError: ${fault}`;
  if (/[\r\n]/.test(fault.message)) return `more than a line: ${fault.message}`;
  return `${fault.code}: ${fault.message}`;
}

/** Lines of a level, their messages alone. */
export function messagesAt(level: RecordedLine["level"], part: BackendUnderTest): string[] {
  return part.log.lines.filter((line) => line.level === level).map((line) => line.message);
}
