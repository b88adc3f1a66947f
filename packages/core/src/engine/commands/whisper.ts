import { WHISPER_STREAM } from "../../protocol/channel-state.ts";
import type { Command } from "../../protocol/command.ts";
import type { Session } from "../../session/session.ts";
import { distribute } from "../broadcast.ts";
import { CommandFailure, type EngineContext, quoted } from "../context.ts";

/**
 * Passes what a client says on to the others that follow the whisper stream of its channel, as a message like any other
 * (anycable node/node.go@1.6.16, Whisper). Where the channel has no such stream nothing happens, not even a failure.
 */
export function whisper(context: EngineContext, session: Session, command: Command): void {
  const { identifier, data } = command;
  const stream = session.subscriptions?.get(identifier)?.istate[WHISPER_STREAM];
  if (stream === undefined || stream === "") {
    if (context.log.enabled("debug")) {
      const fields = { sid: session.sid, identifier: quoted(identifier) };
      context.log.debug("whisper stream not found", fields);
    }
    return;
  }
  const message = jsonText(data);
  const { sid } = session;
  const said = { stream, message, excludeSid: sid, broadcastType: null, transient: true, position: null };
  void distribute(context, said); // what is transient never fails
}

/** No data, and null, come as the string "null", as everything that is published does. */
function jsonText(data: unknown): string {
  if (data === undefined || data === null) return '"null"';
  try {
    return JSON.stringify(data);
  } catch {
    // The parser reads deeper than the printer can follow.
    throw new CommandFailure("the data of the whisper is nested too deep");
  }
}
