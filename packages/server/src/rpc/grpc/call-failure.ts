import { CableError } from "@hawser/core/errors";
import type { ConnectFailure } from "../../drivers/grpc/channel.ts";
import { GRPC_STATUS, NO_CONNECTION } from "../../drivers/grpc/status.ts";
import type { FailedCall } from "../calls/call-line.ts";
import { deadlineError, effortOf, protocolError, quoted, statusName } from "../calls/wording.ts";

/** What the channel says of streams and bytes that are not gRPC; a server's own words are never these. */
const NOT_GRPC =
  /^(Received RST_STREAM with code|Received HTTP status code|No status information received|the message |the status (is OK|"))/;
const REPLY_TOO_LARGE = /^Received message larger than max/;

/** Whether asking again could help. A reply that is too large was the answer: the application has done its work. */
export function isWorthAnotherAttempt(code: number, details: string): boolean {
  if (code === GRPC_STATUS.RESOURCE_EXHAUSTED) return !REPLY_TOO_LARGE.test(details);
  return code === GRPC_STATUS.UNAVAILABLE;
}

/** @param connectFailure why there is no connection, when that is so. */
export function callFailure(failed: FailedCall, connectFailure: ConnectFailure | null): CableError {
  const { method, code, peer } = failed;
  const details = quoted(failed.details);
  switch (code) {
    case GRPC_STATUS.UNAVAILABLE:
      return unreachable(failed, connectFailure, details);
    case GRPC_STATUS.DEADLINE_EXCEEDED:
      return deadlineError(failed);
    case GRPC_STATUS.RESOURCE_EXHAUSTED:
      if (REPLY_TOO_LARGE.test(details)) {
        const advice = "raise rpc_max_call_recv_size";
        return protocolError(
          `the reply of the RPC backend at ${peer} to ${method} is too large: ${details}; ${advice}`,
        );
      }
      return new CableError(
        "backend_overloaded",
        `the RPC backend at ${peer} has no room for ${method}${effortOf(failed)}: ${details}; give it more workers, or lower rpc_concurrency`,
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

function unreachable(failed: FailedCall, connectFailure: ConnectFailure | null, details: string): CableError {
  const { method, peer } = failed;
  const known = connectFailure !== null && details === NO_CONNECTION;
  const where = known ? connectFailure.address : peer;
  const why = known ? quoted(connectFailure.reason) : details;
  const text = `cannot reach the RPC backend at ${where} for ${method}${effortOf(failed)}: ${why}; check that it runs, and rpc_host`;
  return new CableError("backend_unreachable", text, { retryable: true });
}
