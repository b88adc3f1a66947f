import { receives, subscribed, welcomed } from "../phrases.ts";
import type { Step } from "../scenario.ts";

export const OPEN = ["--norpc", "--noauth", "--public_streams", "--broker=memory"];

export const EXTENDED = "actioncable-v1-ext-json";

export const send = (on: string, command: object): Step => ({ do: "send", on, command });
export const quiet = (on: string): Step => ({ do: "quiet", on });

export const joins = (on: string, identifier: string, presence: unknown): Step =>
  send(on, { command: "join", identifier, presence });
export const leaves = (on: string, identifier: string): Step => send(on, { command: "leave", identifier });
export const asks = (on: string, identifier: string, more: object = {}): Step =>
  send(on, { command: "presence", identifier, ...more });

/** The frame of presence with this JSON text as its message. */
export const told = (identifier: string, message: string) =>
  `{"type":"presence","identifier":${JSON.stringify(identifier)},"message":${message}}`;
export const hears = (on: string, identifier: string, message: string): Step =>
  receives(told(identifier, message), on);

export const came = (id: string, info?: string) =>
  `{"id":${JSON.stringify(id)},${info === undefined ? "" : `"info":${info},`}"type":"join"}`;
export const went = (id: string) => `{"id":${JSON.stringify(id)},"type":"leave"}`;
export const NOBODY = '{"type":"info","total":0}';
/** One who is there alone. */
export const alone = (id: string, info?: string) =>
  `{"type":"info","total":1,"records":[{${info === undefined ? "" : `"info":${info},`}"id":${JSON.stringify(id)}}]}`;

/** Clients, welcomed, each following the public stream. */
export function room(name: string, ...clients: string[]): Step[] {
  return clients.flatMap((on) => [...welcomed(undefined, on), ...subscribed(name, on)]);
}
