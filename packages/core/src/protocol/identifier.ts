import { withLowerCaseNames } from "./command.ts";

/** The members of a channel identifier, or null where it is not a JSON object: such an identifier is still valid. */
export function identifierMembers(identifier: string): Readonly<Record<string, unknown>> | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(identifier);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return null;
  const members = parsed as Record<string, unknown>; // a JSON object, just checked
  return members.channel === undefined ? withLowerCaseNames(members) : members;
}
