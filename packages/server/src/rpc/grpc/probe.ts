import type { Clock } from "@hawser/core/clock";
import { FRAME_HEADER_BYTES } from "@hawser/proto/framing";
import { GRPC_STATUS } from "../../drivers/grpc/status.ts";
import { FINGERPRINT_HEADER, fingerprintsIn } from "../calls/secret-check.ts";
import type { GrpcBackendTarget } from "./open-channel.ts";
import { openChannel } from "./open-channel.ts";

/** What a look at the application's gRPC service came to. */
export type BackendProbe =
  | {
      /** `answers`: it speaks gRPC, and has no health service that says more. */
      readonly outcome: "serving" | "answers" | "not_serving";
      readonly elapsedMs: number;
      /** Of the secret that it signs tokens with; empty when it tells none. */
      readonly fingerprints: readonly string[];
    }
  | { readonly outcome: "unreachable"; readonly why: string };

const SERVICE = "anycable.RPC";
const HEALTH_PATH = "/grpc.health.v1.Health/Check";
/** `status` (field 1) = SERVING (1). */
const SERVING = [0x08, 0x01] as const;

export interface ProbeParts {
  readonly clock: Clock;
  /** Ours, for the service to compare; empty for none. */
  readonly fingerprints: string;
  readonly timeoutMs: number;
}

/**
 * Asks the service how it is, by the standard health service: that runs no code of the application.
 *
 * @throws CableError `config_invalid` when the target or the TLS options cannot be used.
 */
export async function probeBackend(target: GrpcBackendTarget, parts: ProbeParts): Promise<BackendProbe> {
  const { clock, timeoutMs } = parts;
  let header = "";
  const channel = openChannel(target, {
    onNotice: () => {},
    replyHeader: {
      name: FINGERPRINT_HEADER,
      heard: (value) => {
        header = value;
      },
    },
  });
  const startedAtMs = clock.monotonicMs();
  const headers: Record<string, string> = { protov: "v1" };
  if (parts.fingerprints !== "") headers[FINGERPRINT_HEADER] = parts.fingerprints;
  try {
    return await new Promise<BackendProbe>((resolve) => {
      const done = (outcome: "serving" | "answers" | "not_serving") =>
        resolve({
          outcome,
          elapsedMs: clock.monotonicMs() - startedAtMs,
          fingerprints: fingerprintsIn(header),
        });
      const unreachable = (details: string) => {
        const failure = channel.lastFailure();
        resolve({
          outcome: "unreachable",
          why: failure === null ? details : `${failure.address}: ${failure.reason}`,
        });
      };
      const cancelTimer = clock.after(timeoutMs, () => unreachable(`no answer within ${timeoutMs} ms`));
      channel.call(HEALTH_PATH, healthRequest(), headers, timeoutMs, {
        replied(message) {
          cancelTimer();
          done(SERVING.every((byte, at) => message[at] === byte) ? "serving" : "not_serving");
        },
        failed(code, details) {
          cancelTimer();
          if (code === GRPC_STATUS.UNIMPLEMENTED || code === GRPC_STATUS.NOT_FOUND) done("answers");
          else unreachable(details);
        },
      });
    });
  } finally {
    channel.close();
  }
}

/** A HealthCheckRequest that names the service (field 1), as a frame. */
function healthRequest(): Uint8Array {
  const name = new TextEncoder().encode(SERVICE);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + 2 + name.length);
  frame[FRAME_HEADER_BYTES - 1] = 2 + name.length;
  frame.set([0x0a, name.length], FRAME_HEADER_BYTES);
  frame.set(name, FRAME_HEADER_BYTES + 2);
  return frame;
}
