import { type CommandMessage, type CommandResponse, Status } from "@hawser/proto/gen/rpc";
import { objectIn } from "../json.ts";
import { type Application, channelNamed, connectionOf } from "./application.ts";
import type { CallEffects } from "./channel-call.ts";
import type { ChannelOutcome, ChannelRequest, ChannelRunner } from "./channel-runner.ts";
import type { CallMetadata } from "./connection.ts";
import { confirmFrame, rejectFrame } from "./frames.ts";
import { TrackedState } from "./state.ts";

/** @throws Error for a command that the contract does not have, and whatever the application's handlers throw. */
export async function answerCommand<Identifiers>(
  application: Application<Identifiers>,
  message: CommandMessage,
  metadata: CallMetadata,
): Promise<CommandResponse> {
  const { command, identifier } = message;
  const named = channelNamed(application, identifier);
  if (named === null) return refusedCommand(command, identifier, "no such channel");
  const connection = connectionOf(application, message.connectionIdentifiers, message.env, metadata);
  const state = new TrackedState(message.env?.istate ?? {});
  const request = { identifier, rawParams: named.rawParams, connection, state };
  const outcome = await run(named.runner, request, message);
  if (typeof outcome === "string") return refusedCommand(command, identifier, outcome);
  const cstate = connection.cstate.delta();
  if (outcome.rejected) return rejection(identifier, outcome, cstate);
  return {
    ...reply(Status.SUCCESS, withVerdict(command, identifier, outcome)),
    disconnect: outcome.farewell !== null,
    stopStreams: outcome.stopAll || command === "unsubscribe",
    streams: outcome.started,
    stoppedStreams: outcome.stopped,
    env: { cstate, istate: state.delta() },
    presence: outcome.presence,
  };
}

async function run<Identifiers>(
  runner: ChannelRunner<Identifiers>,
  request: ChannelRequest<Identifiers>,
  { command, data: text }: CommandMessage,
): Promise<ChannelOutcome> {
  switch (command) {
    case "subscribe":
      return runner.subscribe(request);
    case "unsubscribe":
      return runner.unsubscribe(request);
    case "message": {
      const data = objectIn(text);
      return data === null ? "data is not a JSON object" : runner.perform(request, data);
    }
    default:
      throw new Error(
        `Cannot run the command ${JSON.stringify(command)}: this application knows no such command.`,
      );
  }
}

/** Clients see a confirmation after what `subscribed` sent, and the order to go last of all. */
function withVerdict(command: string, identifier: string, effects: CallEffects): string[] {
  return [
    ...effects.transmissions,
    ...(command === "subscribe" ? [confirmFrame(identifier)] : []),
    ...(effects.farewell === null ? [] : [effects.farewell]),
  ];
}

/** The handler said no. The channel's state goes with the subscription; the connection's was asked for and stays. */
function rejection(
  identifier: string,
  effects: CallEffects,
  cstate: Record<string, string>,
): CommandResponse {
  const farewell = effects.farewell === null ? [] : [effects.farewell];
  return {
    ...reply(Status.FAILURE, [...effects.transmissions, rejectFrame(identifier), ...farewell]),
    disconnect: effects.farewell !== null,
    stopStreams: true,
    env: { cstate, istate: {} },
  };
}

/** The client sent what no handler can be given. A subscription it then hears is rejected; the operator reads why. */
export function refusedCommand(command: string, identifier: string, errorMsg: string): CommandResponse {
  switch (command) {
    case "subscribe":
      return { ...reply(Status.FAILURE, [rejectFrame(identifier)]), stopStreams: true, errorMsg };
    case "unsubscribe":
      // Whatever it was subscribed to, it is not any more.
      return { ...reply(Status.SUCCESS, []), stopStreams: true };
    default:
      return { ...reply(Status.FAILURE, []), errorMsg };
  }
}

function reply(status: CommandResponse["status"], transmissions: string[]): CommandResponse {
  return {
    status,
    disconnect: false,
    stopStreams: false,
    streams: [],
    transmissions,
    errorMsg: "",
    env: undefined,
    stoppedStreams: [],
    presence: undefined,
  };
}
