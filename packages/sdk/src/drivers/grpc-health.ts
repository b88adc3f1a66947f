import { type handleUnaryCall, type ServiceDefinition, status } from "@grpc/grpc-js";
import type { SecretAnswerer } from "./grpc.ts";

/**
 * The unary half of grpc.health.v1, which orchestrators probe. Its two messages have one field each, so they are read and
 * written here by hand; `Watch` is answered UNIMPLEMENTED, as its specification allows.
 */
export const HEALTH_SERVICE: ServiceDefinition = {
  Check: {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes): HealthRequest => ({ service: serviceIn(bytes) }),
    responseSerialize: () => SERVING,
    // This end never asks.
    requestSerialize: () => Buffer.alloc(0),
    responseDeserialize: () => SERVING_REPLY,
  },
};

interface HealthRequest {
  /** Null for a request that names none of our services. */
  readonly service: string | null;
}

/** Answers SERVING for `services` and NOT_FOUND for all others; `onCall` is told first. */
export function healthOf(
  services: readonly string[],
  onCall: SecretAnswerer,
): handleUnaryCall<HealthRequest, object> {
  return (call, callback) => {
    const { service } = call.request;
    onCall(call);
    if (service !== null && services.includes(service)) callback(null, SERVING_REPLY);
    else callback({ code: status.NOT_FOUND, details: "no such service here" });
  };
}

/** Whoever answers at all is serving, so the reply has nothing to say but its bytes: `status` (field 1) = SERVING (1). */
const SERVING_REPLY = {};
const SERVING = Buffer.from([0x08, 0x01]);

const FIELD_1_TEXT = 0x0a;

/** `service` (field 1) of a HealthCheckRequest, whose length fits in one byte; ours all do. */
function serviceIn(bytes: Buffer): string | null {
  if (bytes.length === 0) return "";
  const isOneShortText = bytes[0] === FIELD_1_TEXT && bytes[1] === bytes.length - 2 && bytes.length < 130;
  return isOneShortText ? bytes.toString("utf8", 2) : null;
}
