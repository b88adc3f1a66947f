import { messageOf } from "@hawser/core/errors";
import type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";
import {
  type CommandMessage,
  type CommandResponse,
  type ConnectionRequest,
  type ConnectionResponse,
  type DisconnectRequest,
  type DisconnectResponse,
  Status,
} from "@hawser/proto/gen/rpc";
import type { Awaitable, ChannelDefinition } from "./channel.ts";
import { type ChannelRunner, createChannelRunner } from "./channel-runner.ts";
import { answerCommand } from "./command.ts";
import { type Acceptance, answerConnect, type Rejection } from "./connect.ts";
import type { CallMetadata, ConnectEnv, Connection } from "./connection.ts";
import { answerDisconnect } from "./disconnect.ts";

/** What an application decides of connections as such, whatever their channels. */
export interface CableHandlers<Identifiers> {
  /**
   * Decides on a client that no token speaks for; with `--rpc_after_jwt=enforce` on those with a token too. With
   * `shadow` it is asked about these, and its answer is only compared. Absent: nobody gets in without a token.
   */
  connect?(env: ConnectEnv): Awaitable<Acceptance | Rejection>;
  /** A connection that this application has let in, or has subscriptions of, is gone. */
  disconnected?(connection: Connection<Identifiers>): Awaitable<void>;
  /** Makes typed identifiers of those that were issued. What it throws fails the call. */
  readonly identifiers?: (raw: JsonValue) => Identifiers;
  /** Told of whatever a handler throws. The server gets its message in any case, and logs it. */
  onError?(error: unknown, during: RpcName): void;
}

/** The same, with the parser that identifiers of a type of one's own need. */
export type CableOptions<Identifiers> = CableHandlers<Identifiers> &
  (JsonValue extends Identifiers ? unknown : { readonly identifiers: (raw: JsonValue) => Identifiers });

/** One of the server's three calls. */
export type RpcName = "connect" | "command" | "disconnect";

/** The server's three calls, whatever they came by. None rejects: what goes wrong is a reply with status ERROR. */
export interface RpcHandlers {
  /** A client has come without a token, or with one and the server asks all the same. */
  connect(request: ConnectionRequest, metadata: CallMetadata): Promise<ConnectionResponse>;
  /** A client subscribes, unsubscribes or acts. */
  command(request: CommandMessage, metadata: CallMetadata): Promise<CommandResponse>;
  /** A client is gone. */
  disconnect(request: DisconnectRequest, metadata: CallMetadata): Promise<DisconnectResponse>;
}

/** The application behind a cable server. Serve it with `serveRpc`; tests may call its three RPCs as they are. */
export interface Cable<Identifiers> extends RpcHandlers {
  /**
   * Adds the channel that clients name `name`.
   *
   * @throws Error when there is one of that name.
   */
  channel<Params = JsonObject, Data = object, Actions extends string = Extract<keyof Data, string>>(
    name: string,
    definition: ChannelDefinition<Identifiers, Params, Data, Actions>,
  ): Cable<Identifiers>;
}

/** The version of the contract that this SDK speaks. */
const PROTOCOL_VERSION = "v1";

/** Makes an application without channels. */
export function createCable<Identifiers = JsonValue>(options: CableOptions<Identifiers>): Cable<Identifiers> {
  const channels = new Map<string, ChannelRunner<Identifiers>>();
  const application = {
    handlers: options,
    channels,
    // `CableOptions` asks for the parser unless the identifiers are just JSON.
    identifiers: options.identifiers ?? ((raw: JsonValue) => raw as Identifiers),
  };
  const guarded = async <Response>(
    during: RpcName,
    metadata: CallMetadata,
    answer: () => Promise<Response>,
    failed: (message: string) => Response,
  ): Promise<Response> => {
    if (!metadata.protocolVersions.includes(PROTOCOL_VERSION)) return failed(incompatible(metadata));
    try {
      return await answer();
    } catch (thrown) {
      options.onError?.(thrown, during);
      return failed(messageOf(thrown));
    }
  };
  const cable: Cable<Identifiers> = {
    channel(name, definition) {
      if (channels.has(name))
        throw new Error(`Cannot add the channel ${name}: there is one of that name already.`);
      channels.set(name, createChannelRunner(definition));
      return cable;
    },
    connect: (request, metadata) =>
      guarded("connect", metadata, () => answerConnect(application, request, metadata), failedConnect),
    command: (request, metadata) =>
      guarded("command", metadata, () => answerCommand(application, request, metadata), failedCommand),
    disconnect: (request, metadata) =>
      guarded(
        "disconnect",
        metadata,
        () => answerDisconnect(application, request, metadata),
        failedDisconnect,
      ),
  };
  return cable;
}

function incompatible(metadata: CallMetadata): string {
  const spoken = metadata.protocolVersions.join(", ") || "none";
  return `Incompatible RPC client: it speaks ${spoken} (metadata protov), this application ${PROTOCOL_VERSION}`;
}

function failedConnect(errorMsg: string): ConnectionResponse {
  return { status: Status.ERROR, identifiers: "", transmissions: [], errorMsg, env: undefined };
}

function failedCommand(errorMsg: string): CommandResponse {
  return {
    status: Status.ERROR,
    disconnect: false,
    stopStreams: false,
    streams: [],
    transmissions: [],
    errorMsg,
    env: undefined,
    stoppedStreams: [],
    presence: undefined,
  };
}

function failedDisconnect(errorMsg: string): DisconnectResponse {
  return { status: Status.ERROR, errorMsg };
}
