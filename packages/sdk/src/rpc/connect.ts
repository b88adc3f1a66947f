import { type ConnectionRequest, type ConnectionResponse, Status } from "@hawser/proto/gen/rpc";
import { identifiersTextOf } from "../identifiers.ts";
import type { Application } from "./application.ts";
import { type CallMetadata, connectEnvOf } from "./connection.ts";
import { disconnectFrame, welcomeFrame } from "./frames.ts";

/** Lets a client in. */
export interface Acceptance {
  /**
   * Who it is: an object, whose JSON is issued, or a text to issue as it is. May be left out for a client with a verified
   * token, which then stays who the token says.
   */
  readonly identifiers?: object | string;
}

/** Keeps a client out; made by `reject`. */
export interface Rejection {
  /** Tells it from an acceptance. */
  readonly rejected: true;
  /** What the client is told. */
  readonly reason: string;
  /** Whether the client should try again. */
  readonly reconnect: boolean;
}

/** How a client is kept out. */
export interface RejectOptions {
  /** What the client is told; `unauthorized` unless given. */
  readonly reason?: string;
  /** Whether the client should try again; false unless given. */
  readonly reconnect?: boolean;
}

/** What `connect` returns to keep a client out. */
export function reject(options: RejectOptions = {}): Rejection {
  return {
    rejected: true,
    reason: options.reason ?? "unauthorized",
    reconnect: options.reconnect ?? false,
  };
}

export async function answerConnect<Identifiers>(
  application: Application<Identifiers>,
  request: ConnectionRequest,
  metadata: CallMetadata,
): Promise<ConnectionResponse> {
  const env = connectEnvOf(request.env, metadata);
  const decision = (await application.handlers.connect?.(env)) ?? reject();
  if ("rejected" in decision) return refusal(decision);
  if (decision.identifiers === undefined && env.claims === null) {
    throw new Error(
      "connect() let a client in without saying who it is: return { identifiers }, or reject(). Only a client with a " +
        "verified token has identifiers already.",
    );
  }
  return {
    status: Status.SUCCESS,
    identifiers: decision.identifiers === undefined ? "" : identifiersTextOf(decision.identifiers),
    transmissions: [welcomeFrame(metadata.sid)],
    errorMsg: "",
    env: { cstate: env.cstate.delta(), istate: {} },
  };
}

function refusal(rejection: Rejection): ConnectionResponse {
  return {
    status: Status.FAILURE,
    identifiers: "",
    transmissions: [disconnectFrame(rejection.reason, rejection.reconnect)],
    errorMsg: "",
    env: undefined,
  };
}
