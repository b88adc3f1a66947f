import { type CommandMessage, type ConnectionResponse, Status } from "@hawser/proto/gen/rpc";
import type { RpcHandlers } from "./cable.ts";
import { refusedCommand } from "./command.ts";
import { disconnectFrame } from "./frames.ts";
import type { TokenCheck, TokenRefusal } from "./token-check.ts";

/**
 * The same application for calls whose token stands the check, and a refusal for the others. That a client is gone is
 * told in any case.
 */
export function verifiedCalls(handlers: RpcHandlers, check: TokenCheck): RpcHandlers {
  return {
    async connect(request, metadata) {
      const refusal = check.refusalOf(request.env, metadata, false);
      return refusal === null ? handlers.connect(request, metadata) : refusedConnect(refusal);
    },
    async command(message: CommandMessage, metadata) {
      const refusal = check.refusalOf(message.env, metadata, true);
      if (refusal === null) return handlers.command(message, metadata);
      return refusedCommand(message.command, message.identifier, refusal.message);
    },
    disconnect: (request, metadata) => handlers.disconnect(request, metadata),
  };
}

function refusedConnect({ message, expired }: TokenRefusal): ConnectionResponse {
  return {
    status: Status.FAILURE,
    identifiers: "",
    transmissions: [disconnectFrame(expired ? "token_expired" : "unauthorized", false)],
    errorMsg: message,
    env: undefined,
  };
}
