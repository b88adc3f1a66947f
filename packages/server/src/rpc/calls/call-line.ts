import type { CableError } from "@hawser/core/errors";

/** What an application is called for (proto service RPC). */
export type MethodName = "Connect" | "Command" | "Disconnect";

/** Hears the end of an attempt: exactly one of the two, once, and never before `CallLine.send` has returned. */
export interface AttemptSink<Message> {
  replied(message: Message): void;
  /** @param code gRPC's, 1 to 16; the reference has them stand for the failures of HTTP as well. */
  failed(code: number, details: string): void;
}

/** An attempt that is under way. */
export interface Attempt {
  /** Ends it with this status; the application learns that nobody waits any more. */
  cancel(code: number, details: string): void;
  /** Address of the server that has it. */
  peer(): string;
}

/** A call that ended without a reply. */
export interface FailedCall {
  readonly method: MethodName;
  /** Of the last attempt; gRPC's. */
  readonly code: number;
  readonly details: string;
  /** Address of the server that had the call, or of the target. */
  readonly peer: string;
  /** From the start of the call, its waits and retries included. */
  readonly elapsedMs: number;
  readonly attempts: number;
}

/** How the application is reached, and what the ends of an attempt mean there. */
export interface CallLine<Frame, Message> {
  /** Where it leads, for messages about calls that nobody has yet. */
  readonly peer: string;
  /** @param headers metadata by lower-case name. @param timeoutMs 0 for no limit; keeping it is left to the caller. */
  send(
    method: MethodName,
    frame: Frame,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    sink: AttemptSink<Message>,
  ): Attempt;
  /** Why no attempt can be made now, or null. Asked before each. */
  refusal(): string | null;
  /** An attempt found nobody, or lost its connection. */
  lost(details: string): void;
  /** What an attempt waited for whose time is up. */
  silence(): string;
  /** Whether asking again could help. */
  isWorthAnotherAttempt(code: number, details: string): boolean;
  /** One line for the operator that tells "backend down", "deadline" and "backend said no" apart. */
  failure(failed: FailedCall): CableError;
  /** An answer came that is no reply. */
  undecodable(method: MethodName, message: Message, peer: string, thrown: unknown): CableError;
  /** Begins to connect, and goes on until the application is reached once. */
  connect(): void;
  /** True once the application answered anything at all. */
  hasConnected(): boolean;
  /** Connections that stand, where that is known. */
  connections(): number;
  close(): void;
}
