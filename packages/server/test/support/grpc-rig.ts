import { afterEach } from "bun:test";
import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import { CallScope, type ConnectRequest } from "@hawser/core/rpc/backend";
import { type RecordedLine, RecordingLog } from "@hawser/core/testing/recording-log";
import { systemClock } from "../../src/drivers/clock.ts";
import type { RemoteBackend } from "../../src/rpc/calls/remote-backend.ts";
import { createGrpcBackend, type GrpcBackendOptions } from "../../src/rpc/grpc/grpc-backend.ts";

/** What the tests of the gRPC adapter share: the adapter with everything it writes recorded, and ways to ask it. */

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

export interface GrpcRig {
  /** Stops `part` when the test ends. */
  started<T extends { stop(): void }>(part: T): T;
  /** The adapter, with time enough on a busy machine; `host` is a target or a port of 127.0.0.1. */
  backend(host: string | number, options?: Partial<GrpcBackendOptions>): BackendUnderTest;
}

/** Call it once in a test file: what its tests start ends with them, last first. */
export function useGrpcRig(): GrpcRig {
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
      const made = backendFor(host, options);
      stops.push(() => void made.backend.close(0));
      return made;
    },
  };
}

function backendFor(host: string | number, options: Partial<GrpcBackendOptions>): BackendUnderTest {
  const log = new RecordingLog();
  const meter = new RecordingMeter();
  const pauses: number[] = [];
  const commandTimeoutMs = options.commandTimeoutMs ?? 10_000;
  const clock: Clock = options.clock ?? {
    ...systemClock,
    after(delayMs, run) {
      if (delayMs !== commandTimeoutMs) pauses.push(delayMs);
      return systemClock.after(delayMs, run);
    },
  };
  const backend = createGrpcBackend({
    host: typeof host === "number" ? `127.0.0.1:${host}` : host,
    concurrency: 28,
    commandTimeoutMs,
    requestTimeoutMs: 0,
    maxRecvBytes: 0,
    maxSendBytes: 0,
    enableTls: false,
    tlsVerify: true,
    tlsRootCa: null,
    proxyHeaders: ["cookie"],
    proxyCookies: [],
    log: log.with({ context: "rpc" }),
    meter,
    secrets: null,
    ...options,
    clock,
  });
  return { backend, pauses, log, meter };
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
