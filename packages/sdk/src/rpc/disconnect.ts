import { type DisconnectRequest, type DisconnectResponse, type Env, Status } from "@hawser/proto/gen/rpc";
import { objectIn } from "../json.ts";
import { type Application, channelNamed, connectionOf } from "./application.ts";
import type { CallMetadata, Connection } from "./connection.ts";
import { TrackedState } from "./state.ts";

/**
 * Tells every channel that still had a subscription, then the application. Each is told even if another throws.
 *
 * @throws the first of what the application's handlers threw.
 */
export async function answerDisconnect<Identifiers>(
  application: Application<Identifiers>,
  request: DisconnectRequest,
  metadata: CallMetadata,
): Promise<DisconnectResponse> {
  const connection = connectionOf(application, request.identifiers, request.env, metadata);
  const thrown: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      thrown.push(error);
    }
  };
  for (const identifier of request.subscriptions) {
    await attempt(() => unsubscribe(application, connection, identifier, request.env));
  }
  await attempt(async () => application.handlers.disconnected?.(connection));
  if (thrown.length > 0) throw thrown[0];
  return { status: Status.SUCCESS, errorMsg: "" };
}

async function unsubscribe<Identifiers>(
  application: Application<Identifiers>,
  connection: Connection<Identifiers>,
  identifier: string,
  env: Env | undefined,
): Promise<void> {
  const named = channelNamed(application, identifier);
  if (named === null) return;
  const state = new TrackedState(stateOf(env, identifier));
  await named.runner.unsubscribe({ identifier, rawParams: named.rawParams, connection, state });
}

/** Here, and only here, the server sends each channel's state as JSON text under its identifier. */
function stateOf(env: Env | undefined, identifier: string): Record<string, string> {
  const text = env?.istate[identifier];
  const values = text === undefined ? null : objectIn(text);
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(values ?? {})) {
    if (typeof value === "string") texts[key] = value;
  }
  return texts;
}
