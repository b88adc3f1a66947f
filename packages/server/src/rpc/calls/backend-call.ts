import type { Cancel, Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { CallScope, ReplyStatus } from "@hawser/core/rpc/backend";
import { GRPC_STATUS } from "../../drivers/grpc/status.ts";
import type { Attempt, AttemptSink, CallLine, MethodName } from "./call-line.ts";
import type { CallSlots, SlotWaiter } from "./call-slots.ts";
import type { RpcMeter } from "./rpc-meter.ts";
import { quoted, statusName } from "./wording.ts";

/** What the calls of a backend share. */
export interface CallContext<Frame, Message> {
  readonly line: CallLine<Frame, Message>;
  readonly slots: CallSlots;
  readonly meter: RpcMeter;
  readonly clock: Clock;
  readonly log: Log;
  /** For a whole call; 0 for no limit. */
  readonly commandTimeoutMs: number;
  /** For one attempt; 0 leaves it to `commandTimeoutMs`. */
  readonly requestTimeoutMs: number;
  /** Calls that are not finished. */
  readonly unfinished: Set<{ abandon(): void }>;
  /** Told of every reply that comes in. */
  readonly onReply: () => void;
  /** Told when `unfinished` has become empty. */
  readonly onIdle: () => void;
}

/** One of the three methods. */
export interface CallKind<Message, T> {
  readonly name: MethodName;
  /** The reference counts a Command when it ends, the others when they start. */
  readonly countedAtEnd: boolean;
  /** The application's own ERROR counts as a failed call; the reference does so for Disconnect alone. */
  readonly errorCounts: boolean;
  decode(message: Message): T;
}

/** How a call is answered: the two ends of a promise. */
export interface CallOutcome<T> {
  resolve(reply: T): void;
  reject(fault: CableError): void;
}

/** Base of the growing wait between attempts (anycable rpc/rpc.go@1.6.16). */
const RETRY_UNAVAILABLE_MS = 100;
const RETRY_EXHAUSTED_MS = 10;
/** No backend answers in less; a timer may be that much late. */
const MIN_ATTEMPT_MS = 1;

/**
 * One call with its wait for a slot, its attempts and the waits between them. It ends once: by a reply, by a failure
 * that is not retried, at its deadline, or with the session that asked.
 */
export class BackendCall<Frame, Message, T extends { readonly status: ReplyStatus }>
  implements AttemptSink<Message>, SlotWaiter
{
  readonly #context: CallContext<Frame, Message>;
  readonly #kind: CallKind<Message, T>;
  readonly #sid: string;
  readonly #frame: Frame;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #outcome: CallOutcome<T>;
  readonly #startedAtMs: number;
  /** Waiting for a slot, with an attempt under way, between attempts with the slot kept, or answered. */
  #phase: "waiting" | "calling" | "pausing" | "done" = "waiting";
  #scope: CallScope | null = null;
  #call: Attempt | null = null;
  #stopDeadline: Cancel | null = null;
  /** Of the attempt, or of the pause before the next. */
  #stopTimer: Cancel | null = null;
  #attempts = 0;
  /** Exponent of the next pause; starts again when the kind of failure changes. */
  #backoff = 0;
  #exhausted = false;
  #lastCode = 0;
  #lastDetails = "";
  /** Who had the last attempt. */
  #peer: string;

  constructor(
    context: CallContext<Frame, Message>,
    kind: CallKind<Message, T>,
    request: {
      readonly sid: string;
      readonly frame: Frame;
      readonly headers: Readonly<Record<string, string>>;
    },
    outcome: CallOutcome<T>,
  ) {
    this.#context = context;
    this.#kind = kind;
    this.#sid = request.sid;
    this.#frame = request.frame;
    this.#headers = request.headers;
    this.#outcome = outcome;
    this.#peer = context.line.peer;
    this.#startedAtMs = context.clock.monotonicMs();
  }

  start(scope: CallScope): void {
    const { clock, commandTimeoutMs, meter, slots, unfinished } = this.#context;
    unfinished.add(this);
    if (scope.cancelled) {
      this.#cancel();
      return;
    }
    this.#scope = scope;
    scope.onCancel = () => this.#cancel();
    // DEVIATION: D22. The deadline covers the wait for a slot, which has no bound in the reference.
    if (commandTimeoutMs > 0) this.#stopDeadline = clock.after(commandTimeoutMs, () => this.#expire());
    if (slots.tryTake()) {
      this.#begin();
    } else {
      slots.wait(this);
      meter.pending.set(slots.pending);
    }
  }

  granted(): void {
    const { meter, slots } = this.#context;
    meter.pending.set(slots.pending);
    if (this.#remainingMs() >= MIN_ATTEMPT_MS) {
      this.#begin();
      return;
    }
    // Too late for an answer: the application is not asked for one.
    slots.release();
    this.#fail(this.#noSlot());
  }

  /** The server stops. */
  abandon(): void {
    this.#fail(
      new CableError("backend_unreachable", `gave up ${this.#kind.name}: the server is shutting down`),
    );
  }

  replied(message: Message): void {
    if (this.#phase !== "calling") return;
    this.#context.onReply();
    let reply: T;
    try {
      reply = this.#kind.decode(message);
    } catch (thrown) {
      const peer = this.#call?.peer() ?? this.#peer;
      this.#fail(this.#context.line.undecodable(this.#kind.name, message, peer, thrown));
      return;
    }
    this.#call = null;
    if (this.#kind.errorCounts && reply.status === "error") this.#context.meter.errors.add(1);
    this.#finish();
    this.#outcome.resolve(reply);
  }

  failed(code: number, details: string): void {
    if (this.#phase !== "calling") return;
    this.#peer = this.#call?.peer() ?? this.#peer;
    this.#call = null;
    this.#lastCode = code;
    this.#lastDetails = details;
    const { line, meter } = this.#context;
    if (code === GRPC_STATUS.DEADLINE_EXCEEDED) meter.timeouts.add(1);
    if (code === GRPC_STATUS.UNAVAILABLE) line.lost(details);
    if (line.isWorthAnotherAttempt(code, details)) this.#pause();
    else this.#fail(this.#failure());
  }

  #begin(): void {
    this.#phase = "pausing";
    if (!this.#kind.countedAtEnd) this.#context.meter.calls.add(1);
    this.#attempt();
  }

  #attempt(): void {
    const { line, requestTimeoutMs } = this.#context;
    const refusal = line.refusal();
    if (refusal !== null) {
      this.#lastCode = GRPC_STATUS.UNAVAILABLE;
      this.#lastDetails = refusal;
      this.#fail(this.#failure());
      return;
    }
    const remainingMs = this.#remainingMs();
    if (remainingMs < MIN_ATTEMPT_MS) {
      this.#expire();
      return;
    }
    this.#phase = "calling";
    this.#attempts += 1;
    const timeoutMs = requestTimeoutMs > 0 && requestTimeoutMs < remainingMs ? requestTimeoutMs : remainingMs;
    const announcedMs = timeoutMs === Number.POSITIVE_INFINITY ? 0 : timeoutMs;
    this.#call = line.send(this.#kind.name, this.#frame, this.#headers, announcedMs, this);
    if (timeoutMs < remainingMs) {
      this.#stopTimer = this.#context.clock.after(timeoutMs, () => this.#timeOut());
    }
  }

  /** Waits before the next attempt: 2^n times 10 or 100 ms, n from 0 again when the kind of failure changes. */
  #pause(): void {
    const { clock, log, meter } = this.#context;
    if (log.enabled("debug")) {
      const fields = { sid: this.#sid, code: statusName(this.#lastCode), error: quoted(this.#lastDetails) };
      log.debug("RPC failed", fields);
    }
    const exhausted = this.#lastCode === GRPC_STATUS.RESOURCE_EXHAUSTED;
    if (exhausted !== this.#exhausted) this.#backoff = 0;
    this.#exhausted = exhausted;
    const pauseMs = 2 ** this.#backoff * (exhausted ? RETRY_EXHAUSTED_MS : RETRY_UNAVAILABLE_MS);
    this.#backoff += 1;
    meter.retries.add(1);
    this.#phase = "pausing";
    this.#stopTimer?.();
    this.#stopTimer = clock.after(pauseMs, () => this.#attempt());
  }

  /** The attempt has had its time: it ends like one that the server timed out. */
  #timeOut(): void {
    const call = this.#call;
    this.failed(GRPC_STATUS.DEADLINE_EXCEEDED, this.#context.line.silence());
    call?.cancel(GRPC_STATUS.DEADLINE_EXCEEDED, "deadline exceeded");
  }

  /** The whole call has had its time. */
  #expire(): void {
    if (this.#phase === "calling") this.#timeOut();
    else if (this.#phase === "pausing") this.#fail(this.#failure());
    else this.#fail(this.#noSlot());
  }

  #cancel(): void {
    // Once it is on its way the reference counts a call that its session cut short as a failed one.
    const started = this.#phase === "calling" || this.#phase === "pausing";
    if (!started) this.#context.meter.canceled.add(1);
    this.#fail(new CableError("canceled", `gave up ${this.#kind.name}: its session has ended`), started);
  }

  #failure(): CableError {
    return this.#context.line.failure({
      method: this.#kind.name,
      code: this.#lastCode,
      details: this.#lastDetails,
      peer: this.#peer,
      elapsedMs: this.#elapsedMs(),
      attempts: this.#attempts,
    });
  }

  #noSlot(): CableError {
    const { commandTimeoutMs, slots } = this.#context;
    const text = `no call slot became free for ${this.#kind.name} in ${commandTimeoutMs} ms (calls waiting: ${slots.pending})`;
    const advice = "the RPC backend is slow, or rpc_concurrency is low";
    return new CableError("backend_overloaded", `${text}; ${advice}`, { retryable: true });
  }

  #elapsedMs(): number {
    return this.#context.clock.monotonicMs() - this.#startedAtMs;
  }

  #remainingMs(): number {
    const { commandTimeoutMs } = this.#context;
    return commandTimeoutMs > 0 ? commandTimeoutMs - this.#elapsedMs() : Number.POSITIVE_INFINITY;
  }

  #fail(fault: CableError, counts = true): void {
    if (this.#phase === "done") return;
    if (counts) this.#context.meter.errors.add(1);
    this.#finish();
    this.#outcome.reject(fault);
  }

  #finish(): void {
    const { meter, onIdle, slots, unfinished } = this.#context;
    const phase = this.#phase;
    this.#phase = "done";
    this.#stopDeadline?.();
    this.#stopTimer?.();
    if (this.#scope !== null) this.#scope.onCancel = null;
    unfinished.delete(this);
    this.#call?.cancel(GRPC_STATUS.CANCELLED, "given up");
    this.#call = null;
    if (phase === "waiting") {
      slots.leave(this);
      meter.pending.set(slots.pending);
    } else {
      if (this.#kind.countedAtEnd) meter.calls.add(1);
      slots.release();
    }
    if (unfinished.size === 0) onIdle();
  }
}
