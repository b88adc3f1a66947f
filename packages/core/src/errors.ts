/** Every fault this server can name. There are no user-defined codes. */
export type ErrorCode =
  | "config_invalid" // an option has a value that cannot be used
  | "io_failed" // a file, port or socket could not be used
  | "backend_unreachable" // the RPC backend could not be reached, or its connection broke
  | "backend_deadline" // the RPC backend did not answer in time
  | "backend_overloaded" // no call slot became free in time, or the backend answered RESOURCE_EXHAUSTED
  | "backend_failed" // the RPC backend answered with an error status
  | "backend_protocol" // what came back was not an RPC reply
  | "canceled"; // the session that asked has ended

export interface CableErrorOptions {
  readonly cause?: unknown;
  /** True when the same call may succeed later with nothing changed here. */
  readonly retryable?: boolean;
}

/**
 * A fault: something outside this process did not do its part. Verdicts (a bad token, a rejected
 * subscription) are values, and bugs are plain `Error`s.
 *
 * The message says what was being done, to what, why it failed and what to try; it never holds a token or a secret.
 */
export class CableError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: CableErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CableError";
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The message of whatever was thrown: one line, no stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
