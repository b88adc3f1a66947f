import type { RunningClients } from "./client-runtime.ts";
import type { Told } from "./client-task.ts";

/** Ways to look at what clients have told. */

export const is =
  (event: Told["event"], client = 0) =>
  (told: Told): boolean =>
    told.event === event && told.client === client;

/** The messages that a client has got so far. */
export function messagesOf({ log }: RunningClients, client = 0): unknown[] {
  return log.told.flatMap((told) =>
    told.event === "message" && told.client === client ? [told.message] : [],
  );
}

/** The ends of its connections so far. */
export function endsOf({ log }: RunningClients, client = 0): Told[] {
  return log.told.filter(
    (told) => told.client === client && (told.event === "disconnect" || told.event === "close"),
  );
}
