import { CableError } from "../errors.ts";
import { disconnect, rejectSubscription } from "../protocol/replies.ts";
import type { Backend, CommandReply, ConnectReply } from "./backend.ts";

const REFUSED: ConnectReply = {
  status: "failure",
  identifiers: "",
  transmissions: [disconnect("unauthorized", false)],
  errorMessage: "no RPC backend is configured",
  cstate: {},
};

/** The backend of `--norpc`: lets nobody in, confirms nothing (anycable node/controller.go@1.6.16, NullController). */
export const NULL_BACKEND: Backend = {
  kind: "none",
  connect: () => REFUSED,
  command(request) {
    if (request.command !== "subscribe") {
      throw new CableError("backend_failed", `perform ${request.command}: there is no RPC backend (--norpc)`);
    }
    return {
      status: "failure",
      disconnect: false,
      stopStreams: false,
      streams: [],
      stoppedStreams: [],
      transmissions: [rejectSubscription(request.identifier)],
      errorMessage: "no RPC backend is configured",
      cstate: {},
      istate: {},
      presence: null,
    } satisfies CommandReply;
  },
  disconnect: () => ({ status: "success", errorMessage: "" }),
};
