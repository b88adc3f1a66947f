import { CableError } from "@hawser/core/errors";
import { scrubTokens } from "@hawser/core/redact";
import type { ConnectFailure } from "../../drivers/grpc/channel.ts";
import { GRPC_STATUS, grpcStatusName, NO_CONNECTION } from "../../drivers/grpc/status.ts";

/** A call that ended without a reply. */
export interface FailedCall {
  /** `Connect`, `Command` or `Disconnect`. */
  readonly method: string;
  /** gRPC's. */
  readonly code: number;
  readonly details: string;
  /** Address of the server that had the call, or of the target. */
  readonly peer: string;
  /** Why there is no connection, when that is so. */
  readonly connectFailure: ConnectFailure | null;
  /** From the start of the call, its waits and retries included. */
  readonly elapsedMs: number;
  readonly attempts: number;
}

/** How much of a text that came from outside a message may quote. */
const MAX_DETAILS_CHARS = 200;

/** What the channel says of streams and bytes that are not gRPC; a server's own words are never these. */
const NOT_GRPC =
  /^(Received RST_STREAM with code|Received HTTP status code|No status information received|the message |the status (is OK|"))/;
const REPLY_TOO_LARGE = /^Received message larger than max/;

/** Whether asking again could help. A reply that is too large was the answer: the application has done its work. */
export function isWorthAnotherAttempt(code: number, details: string): boolean {
  if (code === GRPC_STATUS.RESOURCE_EXHAUSTED) return !REPLY_TOO_LARGE.test(details);
  return code === GRPC_STATUS.UNAVAILABLE;
}

/** One line for the operator that tells "backend down", "deadline" and "backend said no" apart. */
export function callFailure(failed: FailedCall): CableError {
  const { method, code, peer } = failed;
  const details = quoted(failed.details);
  const effort = effortOf(failed);
  switch (code) {
    case GRPC_STATUS.UNAVAILABLE:
      return unreachable(failed, details, effort);
    case GRPC_STATUS.DEADLINE_EXCEEDED:
      return new CableError(
        "backend_deadline",
        `the RPC backend at ${peer} did not answer ${method} in time${effort}: ${details}; see why it is slow, or raise rpc_command_timeout`,
        { retryable: true },
      );
    case GRPC_STATUS.RESOURCE_EXHAUSTED:
      if (REPLY_TOO_LARGE.test(details)) {
        const advice = "raise rpc_max_call_recv_size";
        return protocolError(
          `the reply of the RPC backend at ${peer} to ${method} is too large: ${details}; ${advice}`,
        );
      }
      return new CableError(
        "backend_overloaded",
        `the RPC backend at ${peer} has no room for ${method}${effort}: ${details}; give it more workers, or lower rpc_concurrency`,
        { retryable: true },
      );
    default:
      if (NOT_GRPC.test(details)) {
        const advice = "check that a gRPC service answers there";
        return protocolError(
          `the RPC backend at ${peer} gave no gRPC answer to ${method}: ${details}; ${advice}`,
        );
      }
      return new CableError(
        "backend_failed",
        `the RPC backend at ${peer} answered ${method} with ${statusName(code)}: ${details}`,
      );
  }
}

function unreachable(failed: FailedCall, details: string, effort: string): CableError {
  const { connectFailure, method, peer } = failed;
  const known = connectFailure !== null && details === NO_CONNECTION;
  const where = known ? connectFailure.address : peer;
  const why = known ? quoted(connectFailure.reason) : details;
  const text = `cannot reach the RPC backend at ${where} for ${method}${effort}: ${why}; check that it runs, and rpc_host`;
  return new CableError("backend_unreachable", text, { retryable: true });
}

/** What came back was not a reply. */
export function protocolError(text: string, cause?: unknown): CableError {
  return new CableError("backend_protocol", text, { cause });
}

function effortOf({ elapsedMs, attempts }: FailedCall): string {
  const times = attempts === 1 ? "" : ` and ${attempts} attempts`;
  return ` after ${Math.round(elapsedMs)} ms${times}`;
}

/** `UNAVAILABLE (14)`. */
export function statusName(code: number): string {
  const name = grpcStatusName(code);
  return name === null ? `status ${code}` : `${name} (${code})`;
}

/** One line without tokens, and not long: the text may come from the backend. */
export function quoted(text: string): string {
  const line = scrubTokens(text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim());
  if (line === "") return "no reason given";
  return line.length > MAX_DETAILS_CHARS ? `${line.slice(0, MAX_DETAILS_CHARS)}...` : line;
}
