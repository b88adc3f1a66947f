import { LIMITS } from "../limits.ts";

/** What is to be revoked, and how its clients are told. */
export interface RevokeCommand {
  readonly by: "jti" | "sid" | "kid" | "identifiers" | "token";
  /** Compared exactly. */
  readonly value: string;
  /** With identifiers: tokens that were issued then or later stay good. Null for none. */
  readonly issuedBeforeS: number | null;
  /** When the last matching token expires, where the publisher knows it. */
  readonly expiresAtS: number | null;
  /** Whether clients are to come again. */
  readonly reconnect: boolean;
}

type Members = Readonly<Record<string, unknown>>;

/** What a payload may say, and which way of revoking it belongs to. `identifier` is what `disconnect` calls identifiers. */
const WAYS = new Map<string, RevokeCommand["by"]>([
  // Among nodes: one token, by what a server keeps of it.
  ["token", "token"],
  ["jti", "jti"],
  ["sid", "sid"],
  ["kid", "kid"],
  ["identifiers", "identifiers"],
  ["identifier", "identifiers"],
]);
const OTHERS: ReadonlySet<string> = new Set(["issued_before", "exp", "reconnect"]);

/** Seconds since the epoch have twelve digits in the year 5138; what has more is in milliseconds. */
export const LATEST_S = 1e11;

/**
 * Reads the payload of `revoke`, or says what is wrong with it. A member that is not known is refused: had it been
 * `issued_before`, all tokens would be revoked in the place of the old ones.
 */
export function readRevokeCommand(payload: Members): RevokeCommand | string {
  const given = Object.keys(payload).filter((name) => payload[name] !== undefined && payload[name] !== null);
  const stranger = given.some((name) => !WAYS.has(name) && !OTHERS.has(name));
  if (stranger) {
    return '"payload" may hold one of jti, sid, kid and identifiers, issued_before, exp and reconnect; it holds something else';
  }
  const ways = given.filter((name) => WAYS.has(name));
  const [name = ""] = ways;
  const by = WAYS.get(name);
  if (by === undefined || ways.length > 1) {
    return '"payload" must have exactly one of jti, sid, kid and identifiers';
  }
  const value = payload[name];
  if (typeof value !== "string" || value === "") return `"payload.${name}" must be a non-empty string`;
  if (value.length > LIMITS.maxRevokedLength) {
    return `"payload.${name}" must have at most ${LIMITS.maxRevokedLength} characters`;
  }
  const { issued_before: issuedBefore = null, exp = null, reconnect = null } = payload;
  if (issuedBefore !== null && by !== "identifiers") return '"payload.issued_before" needs identifiers';
  if (!isTimeOrNull(issuedBefore)) return `"payload.issued_before" ${TIME}`;
  if (!isTimeOrNull(exp)) return `"payload.exp" ${TIME}`;
  if (reconnect !== null && typeof reconnect !== "boolean") return '"payload.reconnect" must be a boolean';
  return { by, value, issuedBeforeS: issuedBefore, expiresAtS: exp, reconnect: reconnect === true };
}

/** The whole publication; what reads it gets the same. */
export function revokeText({ by, value, issuedBeforeS, expiresAtS, reconnect }: RevokeCommand): string {
  const payload = { [by]: value, issued_before: issuedBeforeS, exp: expiresAtS, reconnect };
  return JSON.stringify({ command: "revoke", payload });
}

const TIME = "must be a time in seconds since the epoch, not in milliseconds";

function isTimeOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === "number" && value > 0 && value < LATEST_S);
}
