import type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";
import type {
  CommandMessage,
  CommandResponse,
  ConnectionRequest,
  ConnectionResponse,
  DisconnectRequest,
  DisconnectResponse,
  Env,
  EnvResponse,
} from "@hawser/proto/gen/rpc";

/*
 * The messages of rpc.proto as JSON: names as they are in the file, numbers for enums. What is absent or null has the value
 * that stands for nothing, as in protobuf; what nobody knows is passed over. Every reader throws an Error that says what is
 * of the wrong type.
 */

export function connectionRequestOf(message: JsonObject): ConnectionRequest {
  return { env: envOf(message) };
}

export function commandMessageOf(message: JsonObject): CommandMessage {
  return {
    command: textIn(message, "command"),
    identifier: textIn(message, "identifier"),
    connectionIdentifiers: textIn(message, "connection_identifiers"),
    data: textIn(message, "data"),
    env: envOf(message),
  };
}

export function disconnectRequestOf(message: JsonObject): DisconnectRequest {
  const subscriptions = message.subscriptions ?? [];
  if (!Array.isArray(subscriptions)) throw wrong("subscriptions", "an array");
  return {
    identifiers: textIn(message, "identifiers"),
    subscriptions: subscriptions.map((one: JsonValue) => {
      if (typeof one !== "string") throw wrong("subscriptions", "an array of texts");
      return one;
    }),
    env: envOf(message),
  };
}

export function jsonOfConnection({
  status,
  identifiers,
  transmissions,
  errorMsg,
  env,
}: ConnectionResponse): object {
  return { status, identifiers, transmissions, error_msg: errorMsg, env: jsonOfEnv(env) };
}

export function jsonOfCommand(response: CommandResponse): object {
  return {
    status: response.status,
    disconnect: response.disconnect,
    stop_streams: response.stopStreams,
    streams: response.streams,
    stopped_streams: response.stoppedStreams,
    transmissions: response.transmissions,
    error_msg: response.errorMsg,
    env: jsonOfEnv(response.env),
    presence: response.presence,
  };
}

export function jsonOfDisconnect({ status, errorMsg }: DisconnectResponse): object {
  return { status, error_msg: errorMsg };
}

/** Nothing where there is none: `JSON.stringify` leaves out what is undefined. */
function jsonOfEnv(env: EnvResponse | undefined): object | undefined {
  return env === undefined ? undefined : { cstate: env.cstate, istate: env.istate };
}

function envOf(message: JsonObject): Env {
  const env = objectIn(message, "env");
  return {
    url: textIn(env, "url"),
    headers: textsIn(env, "headers"),
    cstate: textsIn(env, "cstate"),
    istate: textsIn(env, "istate"),
  };
}

function textIn(message: JsonObject, name: string): string {
  const value = message[name] ?? "";
  if (typeof value !== "string") throw wrong(name, "a text");
  return value;
}

function textsIn(message: JsonObject, name: string): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectIn(message, name))) {
    if (typeof value !== "string") throw wrong(name, "an object of texts");
    texts[key] = value;
  }
  return texts;
}

function objectIn(message: JsonObject, name: string): JsonObject {
  const value = message[name] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(name, "an object");
  return value as JsonObject; // `Array.isArray` does not narrow readonly arrays away
}

function wrong(name: string, wanted: string): Error {
  return new Error(`its ${name} is not ${wanted}`);
}
