import type {
  CommandReply,
  CommandRequest,
  ConnectReply,
  ConnectRequest,
  DisconnectReply,
  DisconnectRequest,
  PresenceReply,
  ReplyStatus,
  RpcEnv,
  StateMap,
} from "@hawser/core/rpc/backend";
import { toldHeaders } from "../calls/identity-header.ts";
import type { RpcCodec } from "../calls/remote-backend.ts";

/*
 * The messages of rpc.proto as JSON: names as they are in the file, numbers for enums, nothing for what is empty. Ruby's
 * side refuses members that it does not know, so there are no others.
 */

/** Requests as JSON texts, and replies as such. */
export const JSON_CODEC: RpcCodec<string, string> = {
  encodeConnect,
  encodeCommand,
  encodeDisconnect,
  decodeConnect,
  decodeCommand,
  decodeDisconnect,
  sizeOf: (text) => Buffer.byteLength(text),
};

const NO_STATE: StateMap = {};
const NO_TEXTS: readonly string[] = [];

function encodeConnect(request: ConnectRequest): string {
  return textOf({ env: envOf(request.env, request.jwtIdentity) });
}

function encodeCommand(request: CommandRequest): string {
  return textOf({
    command: request.command,
    identifier: unlessEmpty(request.identifier),
    connection_identifiers: unlessEmpty(request.connectionIdentifiers),
    data: unlessEmpty(request.data),
    env: envOf(request.env, request.jwtIdentity),
  });
}

function encodeDisconnect(request: DisconnectRequest): string {
  return textOf({
    identifiers: unlessEmpty(request.identifiers),
    subscriptions: request.subscriptions.length === 0 ? undefined : request.subscriptions,
    env: envOf(request.env, request.jwtIdentity),
  });
}

function envOf(env: RpcEnv, jwtIdentity: string | null): object {
  return {
    url: unlessEmpty(env.url),
    headers: unlessBare(toldHeaders(env, jwtIdentity)),
    cstate: unlessBare(env.cstate),
    istate: unlessBare(env.istate),
  };
}

/** `JSON.stringify` leaves out what is undefined. */
const unlessEmpty = (text: string): string | undefined => (text === "" ? undefined : text);

function unlessBare(state: StateMap): StateMap | undefined {
  for (const _key in state) return state;
  return undefined;
}

/** Half of a surrogate pair, which a client can write, is no character: strict parsers refuse it, others replace it. */
function textOf(message: object): string {
  const text = JSON.stringify(message);
  return LONE_SURROGATE.test(text) ? text.replace(LONE_SURROGATES, "$1\ufffd") : text;
}

/** As `JSON.stringify` writes it, which never escapes a whole pair. */
const LONE_SURROGATE = /\\ud[89a-f][0-9a-f]{2}/;
const LONE_SURROGATES = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/** Throws when the text is no ConnectionResponse. */
function decodeConnect(text: string): ConnectReply {
  const reply = messageIn(text);
  return {
    status: statusIn(reply),
    identifiers: textIn(reply, "identifiers"),
    transmissions: textsIn(reply, "transmissions"),
    errorMessage: textIn(reply, "error_msg"),
    cstate: stateIn(envIn(reply), "cstate"),
  };
}

/** Throws when the text is no CommandResponse. */
function decodeCommand(text: string): CommandReply {
  const reply = messageIn(text);
  const env = envIn(reply);
  return {
    status: statusIn(reply),
    disconnect: flagIn(reply, "disconnect"),
    stopStreams: flagIn(reply, "stop_streams"),
    streams: textsIn(reply, "streams"),
    stoppedStreams: textsIn(reply, "stopped_streams"),
    transmissions: textsIn(reply, "transmissions"),
    errorMessage: textIn(reply, "error_msg"),
    cstate: stateIn(env, "cstate"),
    istate: stateIn(env, "istate"),
    presence: presenceIn(reply),
  };
}

/** Throws when the text is no DisconnectResponse. */
function decodeDisconnect(text: string): DisconnectReply {
  const reply = messageIn(text);
  return { status: statusIn(reply), errorMessage: textIn(reply, "error_msg") };
}

type Message = Readonly<Record<string, unknown>>;

function messageIn(text: string): Message {
  const value: unknown = JSON.parse(text);
  if (!isMessage(value)) throw new Error("it is not a JSON object");
  return value;
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A status of a later contract is an error, like one that is missing. */
function statusIn(message: Message): ReplyStatus {
  const status = message.status ?? 0;
  if (typeof status !== "number") throw wrong("status", "a number (0 ERROR, 1 SUCCESS, 2 FAILURE)");
  if (status === 1) return "success";
  return status === 2 ? "failure" : "error";
}

/** As in protobuf, what is absent or null has the value that stands for nothing. */
function textIn(message: Message, name: string): string {
  const value = message[name] ?? "";
  if (typeof value !== "string") throw wrong(name, "a text");
  return value;
}

function flagIn(message: Message, name: string): boolean {
  const value = message[name] ?? false;
  if (typeof value !== "boolean") throw wrong(name, "true or false");
  return value;
}

function textsIn(message: Message, name: string): readonly string[] {
  const value = message[name] ?? NO_TEXTS;
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) {
    throw wrong(name, "an array of texts");
  }
  return value;
}

function envIn(message: Message): Message | null {
  const env = message.env ?? null;
  if (env !== null && !isMessage(env)) throw wrong("env", "an object");
  return env;
}

function presenceIn(message: Message): PresenceReply | null {
  const presence = message.presence ?? null;
  if (presence === null) return null;
  if (!isMessage(presence)) throw wrong("presence", "an object");
  return { type: textIn(presence, "type"), id: textIn(presence, "id"), info: textIn(presence, "info") };
}

function stateIn(env: Message | null, name: string): StateMap {
  const state = env?.[name] ?? null;
  if (state === null) return NO_STATE;
  if (!isMessage(state) || !Object.values(state).every((one) => typeof one === "string")) {
    throw wrong(`env.${name}`, "an object of texts");
  }
  return state as StateMap; // every value was just seen to be a text
}

function wrong(name: string, wanted: string): Error {
  return new Error(`its ${name} is not ${wanted}`);
}
