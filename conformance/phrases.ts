import type { Step, Text } from "./scenario.ts";

/** The server's own welcome; remembers the session id as `{{sid}}`. */
export const WELCOME = /^\{"type":"welcome","sid":"(?<sid>[\w-]{21})"\}$/;

/** The application's welcome, when nothing else was scripted. */
export const WELCOME_OF_APPLICATION = '{"type":"welcome"}';

/** Connects, with this target or `/cable`, and is welcomed by the server itself. */
export function welcomed(target?: string, on?: string, more: Partial<ConnectMore> = {}): Step[] {
  return [connect(target, on, more), { do: "receive", ...named(on), text: WELCOME }];
}

/** Connects and is told no, in the way of every failed authentication. */
export function refused(
  reason: "unauthorized" | "token_expired",
  target?: string,
  more: Partial<ConnectMore> = {},
): Step[] {
  return [connect(target, undefined, more), ...toldNo(reason)];
}

export function toldNo(reason: "unauthorized" | "token_expired", on?: string): Step[] {
  return [
    receives(`{"type":"disconnect","reason":"${reason}","reconnect":false}`, on),
    { do: "closed", ...named(on), code: 1000, reason: "Auth Failed" },
  ];
}

type ConnectStep = Extract<Step, { readonly do: "connect" }>;
type ConnectMore = Omit<ConnectStep, "do" | "on" | "target">;

export function connect(target?: string, on?: string, more: Partial<ConnectMore> = {}): Step {
  return { do: "connect", ...named(on), ...(target === undefined ? {} : { target }), ...more };
}

/** The identifier of a public stream of the built-in channel. */
export function stream(name: string): string {
  return JSON.stringify({ channel: "$pubsub", stream_name: name });
}

export function confirmation(identifier: string): string {
  return `{"type":"confirm_subscription","identifier":${JSON.stringify(identifier)}}`;
}

export function rejection(identifier: string): string {
  return `{"type":"reject_subscription","identifier":${JSON.stringify(identifier)}}`;
}

/** Follows a public stream and is confirmed. */
export function subscribed(name: string, on?: string): Step[] {
  const identifier = stream(name);
  return [
    { do: "send", ...named(on), command: { command: "subscribe", identifier } },
    { do: "receive", ...named(on), text: confirmation(identifier) },
  ];
}

/** The frame in which a message of a public stream comes. `message` is JSON text. */
export function delivery(name: string, message: string): string {
  return deliveryTo(stream(name), message);
}

export function deliveryTo(identifier: string, message: string): string {
  return `{"identifier":${JSON.stringify(identifier)},"message":${message}}`;
}

export function receives(text: Text, on?: string): Step {
  return { do: "receive", ...named(on), text };
}

/** A publication's body. `data` is text, as applications send it. */
export function publication(name: string, data: string, meta?: object): object {
  return { stream: name, data, ...(meta === undefined ? {} : { meta }) };
}

function named(on: string | undefined): { on?: string } {
  return on === undefined ? {} : { on };
}
