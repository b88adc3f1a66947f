import { CableError } from "@hawser/core/errors";
import { GRPC_STATUS } from "../../drivers/grpc/status.ts";
import type { HttpFailure } from "../../drivers/http-client/client-connection.ts";
import type { FailedCall } from "../calls/call-line.ts";
import { deadlineError, effortOf, protocolError, quoted } from "../calls/wording.ts";

/** How an attempt ended, other than by a reply: gRPC's codes stand for HTTP's ends (anycable rpc/http.go@1.6.16). */
export interface AttemptFailure {
  readonly code: number;
  readonly details: string;
}

/** The reference quotes as much of a body. */
const MAX_BODY_CHARS = 100;
/** What details begin with that are not the application's own words. */
const UNTRUSTED = "TLS: ";
const TOO_LARGE = "the reply has ";
const NO_HTTP = "no HTTP/1.1: ";
const CUT_SHORT = "cut short: ";
const NOT_FOUND = "HTTP 404: ";
const REFUSED_SECRET = "http returned 401";

/** What came of an attempt without an answer. */
export function failureOf({ kind, reason }: HttpFailure): AttemptFailure {
  switch (kind) {
    case "unreachable":
      return { code: GRPC_STATUS.UNAVAILABLE, details: reason };
    case "untrusted":
      return { code: GRPC_STATUS.UNAUTHENTICATED, details: UNTRUSTED + reason };
    // From here on the application has done its work: none of these is tried again.
    case "too_large":
      return { code: GRPC_STATUS.INTERNAL, details: TOO_LARGE + reason };
    case "no_http":
      return { code: GRPC_STATUS.INTERNAL, details: NO_HTTP + reason };
    case "cut_short":
      return { code: GRPC_STATUS.INTERNAL, details: CUT_SHORT + reason };
  }
}

/** What an answer means whose status is not 200; `where` is the `Location` of a redirect. */
export function failureOfStatus(status: number, body: string, where: string | undefined): AttemptFailure {
  const said = body.length > MAX_BODY_CHARS ? `${body.slice(0, MAX_BODY_CHARS)}...` : body;
  if (status === 401) return { code: GRPC_STATUS.UNAUTHENTICATED, details: REFUSED_SECRET };
  const details = where === undefined ? said : `it leads to ${where}; give the final URL in rpc_host`;
  const invalid = status === 400 || status === 422;
  return {
    code: invalid ? GRPC_STATUS.INVALID_ARGUMENT : GRPC_STATUS.UNKNOWN,
    details: `HTTP ${status}: ${quoted(details)}`,
  };
}

/** One line for the operator that tells "backend down", "deadline" and "backend said no" apart. */
export function callFailure(failed: FailedCall): CableError {
  const { method, code, peer } = failed;
  const details = quoted(failed.details);
  const at = `the RPC backend at ${peer}`;
  if (code === GRPC_STATUS.DEADLINE_EXCEEDED) return deadlineError(failed);
  if (code === GRPC_STATUS.UNAVAILABLE) {
    const text = `cannot reach ${at} for ${method}${effortOf(failed)}: ${details}; check that it runs, and rpc_host`;
    return new CableError("backend_unreachable", text, { retryable: true });
  }
  if (details.startsWith(UNTRUSTED)) {
    const advice = "check its certificate, rpc_tls_root_ca, and whether rpc_host should begin with http://";
    return new CableError("backend_unreachable", `cannot reach ${at} for ${method}: ${details}; ${advice}`);
  }
  if (details === REFUSED_SECRET) {
    const advice = "give both sides the same http_rpc_secret, or the same secret to derive it from";
    return new CableError("backend_failed", `${at} refused ${method}: ${details}; ${advice}`);
  }
  if (details.startsWith(TOO_LARGE)) {
    return protocolError(
      `the reply of the RPC backend at ${peer} to ${method} is too large: ${details}; raise rpc_max_call_recv_size`,
    );
  }
  if (details.startsWith(NO_HTTP) || details.startsWith(CUT_SHORT)) {
    return protocolError(`${at} gave no whole answer to ${method}: ${details}; check what serves rpc_host`);
  }
  const advice = details.startsWith(NOT_FOUND) ? "; check the path of rpc_host" : "";
  return new CableError("backend_failed", `${at} answered ${method} with ${details}${advice}`);
}
