import type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";
import type { Env } from "@hawser/proto/gen/rpc";
import { objectIn, valueOrText } from "../json.ts";
import type { CableHandlers } from "./cable.ts";
import type { ChannelRunner } from "./channel-runner.ts";
import { type CallMetadata, type Connection, connectEnvOf } from "./connection.ts";
import type { TrackedState } from "./state.ts";

/** What the three calls are answered from. */
export interface Application<Identifiers> {
  readonly handlers: CableHandlers<Identifiers>;
  readonly channels: ReadonlyMap<string, ChannelRunner<Identifiers>>;
  readonly identifiers: (raw: JsonValue) => Identifiers;
}

/** The channel that a client means, and what it says about it. */
export interface NamedChannel<Identifiers> {
  readonly runner: ChannelRunner<Identifiers>;
  readonly rawParams: JsonObject;
}

/** Null when the identifier is not a JSON object, or names no channel of this application. */
export function channelNamed<Identifiers>(
  application: Application<Identifiers>,
  identifier: string,
): NamedChannel<Identifiers> | null {
  const params = objectIn(identifier);
  if (params === null) return null;
  const { channel, ...rawParams } = params;
  const runner = typeof channel === "string" ? application.channels.get(channel) : undefined;
  return runner === undefined ? null : { runner, rawParams };
}

/** @throws whatever the application's parser of identifiers throws. */
export function connectionOf<Identifiers>(
  application: Application<Identifiers>,
  identifiersText: string,
  env: Env | undefined,
  metadata: CallMetadata,
): Connection<Identifiers> & { readonly cstate: TrackedState } {
  const identifiers = application.identifiers(valueOrText(identifiersText));
  return { ...connectEnvOf(env, metadata), identifiers, identifiersText };
}
