import { messageOf } from "@hawser/core/errors";
import type { JsonObject } from "@hawser/core/wire/strict-json";
import type { Awaitable, ChannelHandlers } from "./channel.ts";
import { type CallEffects, ChannelCall } from "./channel-call.ts";
import type { Connection } from "./connection.ts";
import type { TrackedState } from "./state.ts";

/** A channel without its types: what a command is run against. */
export interface ChannelRunner<Identifiers> {
  subscribe(request: ChannelRequest<Identifiers>): Promise<ChannelOutcome>;
  unsubscribe(request: ChannelRequest<Identifiers>): Promise<ChannelOutcome>;
  perform(request: ChannelRequest<Identifiers>, data: JsonObject): Promise<ChannelOutcome>;
}

export interface ChannelRequest<Identifiers> {
  readonly identifier: string;
  /** The identifier's members, unchecked. */
  readonly rawParams: JsonObject;
  readonly connection: Connection<Identifiers>;
  readonly state: TrackedState;
}

/** A text says what was wrong with what the client sent: no handler has run then. */
export type ChannelOutcome = CallEffects | string;

/** The action of data that names none, as in Action Cable. */
const DEFAULT_ACTION = "receive";

/** The handlers reject with whatever the application throws. */
export function createChannelRunner<Identifiers, Params, Data, Actions extends string>(
  handlers: ChannelHandlers<Identifiers, Params, Data, Actions>,
): ChannelRunner<Identifiers> {
  const run = async (
    request: ChannelRequest<Identifiers>,
    mayReject: boolean,
    handle: (call: ChannelCall<Identifiers, Params>) => Awaitable<void>,
  ): Promise<ChannelOutcome> => {
    const params = parsed(handlers.params, request.rawParams);
    if ("problem" in params) return `invalid parameters: ${params.problem}`;
    const call = new ChannelCall({ ...request, mayReject }, params.value);
    try {
      await handle(call);
    } finally {
      call.end();
    }
    return call.end();
  };
  return {
    subscribe: (request) => run(request, true, (call) => handlers.subscribed?.(call, call.params)),
    unsubscribe: (request) => run(request, false, (call) => handlers.unsubscribed?.(call, call.params)),
    perform: async (request, raw) => {
      const action = actionIn(handlers, raw);
      if (action === null) return "no such action";
      const data = parsed(action.parse, raw);
      if ("problem" in data) return `invalid data: ${data.problem}`;
      return run(request, false, (call) => action.handle(call, data.value));
    },
  };
}

interface Action<Identifiers, Params> {
  readonly parse: ((raw: JsonObject) => unknown) | undefined;
  readonly handle: (call: ChannelCall<Identifiers, Params>, data: unknown) => Awaitable<void>;
}

function actionIn<Identifiers, Params, Data, Actions extends string>(
  handlers: ChannelHandlers<Identifiers, Params, Data, Actions>,
  data: JsonObject,
): Action<Identifiers, Params> | null {
  const name = Object.hasOwn(data, "action") ? data.action : DEFAULT_ACTION;
  if (typeof name !== "string" || handlers.actions === undefined) return null;
  if (!Object.hasOwn(handlers.actions, name)) return null;
  const parsers = handlers.data;
  // The name is that of an action now, so what the compiler knows of actions by their names holds for these two; which of
  // them it is, it cannot know.
  const parse =
    parsers !== undefined && Object.hasOwn(parsers, name) ? parsers[name as keyof Data] : undefined;
  const handle = handlers.actions[name as Actions] as Action<Identifiers, Params>["handle"];
  return { parse, handle };
}

/** Without a parser the type is the raw one: `ChannelDefinition` asks for a parser otherwise. */
function parsed<T>(
  parse: ((raw: JsonObject) => T) | undefined,
  raw: JsonObject,
): { readonly value: T } | { readonly problem: string } {
  if (parse === undefined) return { value: raw as T };
  try {
    return { value: parse(raw) };
  } catch (thrown) {
    return { problem: messageOf(thrown) };
  }
}
