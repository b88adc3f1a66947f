/** gRPC's status codes (statuscodes.md of the specification). */
export const GRPC_STATUS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const NAMES = Object.keys(GRPC_STATUS);

/** The name of a code, or null for one that is none of gRPC's. */
export function grpcStatusName(code: number): string | null {
  return NAMES[code] ?? null;
}

/** How a call ended, other than by a reply. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
}

/** Details of a call that found no connection; `GrpcChannel.lastFailure` says why there is none. */
export const NO_CONNECTION = "No connection established";

/** RFC 9113 7: the server has not touched the request, so that sending it again is safe. */
export const REFUSED_STREAM = 7;

/** What a stream's reset means that brought no status (PROTOCOL-HTTP2, HTTP2 Transport Mapping). */
export function failureOfReset(rstCode: number): GrpcFailure {
  switch (rstCode) {
    case REFUSED_STREAM:
      return { code: GRPC_STATUS.UNAVAILABLE, details: "Stream refused by server" };
    case 8:
      return { code: GRPC_STATUS.CANCELLED, details: "Call cancelled by server" };
    case 11:
      return {
        code: GRPC_STATUS.RESOURCE_EXHAUSTED,
        details: "Bandwidth exhausted or memory limit exceeded",
      };
    case 12:
      return { code: GRPC_STATUS.PERMISSION_DENIED, details: "Protocol not secure enough" };
    default:
      return { code: GRPC_STATUS.INTERNAL, details: `Received RST_STREAM with code ${rstCode}` };
  }
}

/** What an HTTP status other than 200 means that came without a gRPC one (http-grpc-status-mapping.md). */
export function failureOfHttpStatus(httpStatus: number): GrpcFailure {
  return { code: codeOfHttpStatus(httpStatus), details: `Received HTTP status code ${httpStatus}` };
}

function codeOfHttpStatus(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return GRPC_STATUS.INTERNAL;
    case 401:
      return GRPC_STATUS.UNAUTHENTICATED;
    case 403:
      return GRPC_STATUS.PERMISSION_DENIED;
    case 404:
      return GRPC_STATUS.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return GRPC_STATUS.UNAVAILABLE;
    default:
      return GRPC_STATUS.UNKNOWN;
  }
}
