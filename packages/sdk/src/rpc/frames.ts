import { jsonOf } from "../json.ts";

/**
 * What the application says to a client itself, through its reply to the server: JSON texts with the members in the
 * order of anycable-rb, whose clients may compare them as text.
 */

/** The session id is left out when the server sent none. */
export function welcomeFrame(sid: string): string {
  return JSON.stringify(sid === "" ? { type: "welcome" } : { type: "welcome", sid });
}

export function confirmFrame(identifier: string): string {
  return JSON.stringify({ identifier, type: "confirm_subscription" });
}

export function rejectFrame(identifier: string): string {
  return JSON.stringify({ identifier, type: "reject_subscription" });
}

export function disconnectFrame(reason: string, reconnect: boolean): string {
  return JSON.stringify({ type: "disconnect", reason, reconnect });
}

/** @throws Error when `message` has no JSON text. */
export function messageFrame(identifier: string, message: unknown): string {
  return `{"identifier":${JSON.stringify(identifier)},"message":${jsonOf(message, "transmit a message")}}`;
}
