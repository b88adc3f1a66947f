import { CableError } from "@hawser/core/errors";
import { scrubTokens } from "@hawser/core/redact";
import { grpcStatusName } from "../../drivers/grpc/status.ts";
import type { FailedCall } from "./call-line.ts";

/** How much of a text that came from outside a message may quote. */
const MAX_DETAILS_CHARS = 200;

/** What came back was not a reply. */
export function protocolError(text: string, cause?: unknown): CableError {
  return new CableError("backend_protocol", text, { cause });
}

/** The application did not answer in the time it has. */
export function deadlineError(failed: FailedCall): CableError {
  return new CableError(
    "backend_deadline",
    `the RPC backend at ${failed.peer} did not answer ${failed.method} in time${effortOf(failed)}: ${quoted(failed.details)}; see why it is slow, or raise rpc_command_timeout`,
    { retryable: true },
  );
}

export function effortOf({ elapsedMs, attempts }: FailedCall): string {
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
