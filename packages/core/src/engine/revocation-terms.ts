import type { SessionSnapshot } from "../broker/sessions.ts";
import type { Clock } from "../clock.ts";
import type { Revocation, RevokedBy } from "../jwt/revocation/revocation.ts";
import type { Revocations } from "../jwt/revocation/revocations.ts";
import type { TokenMarks } from "../jwt/revocation/token-marks.ts";
import { LIMITS } from "../limits.ts";
import { LATEST_S, type RevokeCommand } from "../protocol/revoke-command.ts";

/** How long revocations are kept, and where. */
export interface RevocationBook {
  /** Those in force, which the verifier asks. */
  readonly inForce: Revocations;
  /** `--revocation_max_ttl`: for how long where it is not known when the last token expires. */
  readonly maxTtlMs: number;
  /** How long any token can live at most; null for ever. */
  readonly longestLifetimeMs: number | null;
  /** PORT: writes down what was added, or throws a `CableError`. Null where a restart forgets. */
  readonly write: ((added: readonly Revocation[]) => void) | null;
  /**
   * PORT: lets the other servers find what was added where they look for it when they start or were cut off. `isFirst` says
   * that nobody but this node is known to have it. Null where servers have no such place.
   */
  readonly share: ((added: readonly Revocation[], isFirst: boolean) => void) | null;
}

/** What says whether something was revoked by now. */
export interface RevocationParts {
  readonly revocations: RevocationBook;
  readonly clock: Pick<Clock, "nowMs">;
}

/** For what was decided a while ago: whether a token of this identity is to be refused by now. */
export function isRevokedByNow(
  { revocations, clock }: RevocationParts,
  identity: string,
  marks: TokenMarks,
): boolean {
  return revocations.inForce.refusalOf(identity, marks, clock.nowMs()) !== null;
}

/** Whether a session that is cached is not to be given back. Those of this node are forgotten at once, others may not be. */
export function isSessionRevoked(parts: RevocationParts, sid: string, snapshot: SessionSnapshot): boolean {
  const { identifiers, lineage, tokenIdentity, marks } = snapshot;
  const { inForce } = parts.revocations;
  const nowMs = parts.clock.nowMs();
  if (inForce.hasSession(sid, nowMs) || inForce.hasSession(lineage, nowMs)) return true;
  // Where the application has the last word, the identifiers are not those of the token.
  const isRefused = (identity: string) => isRevokedByNow(parts, identity, marks ?? NO_MARKS);
  return isRefused(identifiers) || (tokenIdentity !== null && isRefused(tokenIdentity));
}

/** Of who has no token: it counts as issued before any time. */
export const NO_MARKS: TokenMarks = {
  jti: null,
  sid: null,
  issuedAtS: null,
  kid: null,
  tag: -1,
  expiresAtMs: null,
};

/** @param known the marks of tokens that match and are in use. */
export function revocationOf(
  book: RevocationBook,
  command: RevokeCommand,
  known: readonly TokenMarks[],
  nowMs: number,
): Revocation {
  const { value, issuedBeforeS } = command;
  const untilMs = Math.min(endOf(book, command, known, nowMs), LATEST_S * 1000);
  return { by: kindOf(command), value, issuedBeforeS: issuedBeforeS ?? 0, untilMs };
}

export function kindOf({ by, issuedBeforeS }: RevokeCommand): RevokedBy {
  return issuedBeforeS === null ? by : "issued_before";
}

/** The same for another node, which may know less of when the tokens expire. */
export function commandOf(
  { by, value, issuedBeforeS, untilMs }: Revocation,
  reconnect: boolean,
): RevokeCommand {
  return {
    by: by === "issued_before" ? "identifiers" : by,
    value,
    issuedBeforeS: by === "issued_before" ? issuedBeforeS : null,
    expiresAtS: (untilMs - LEEWAY_MS) / 1000,
    reconnect,
  };
}

/** When no matching token can be good any more. */
function endOf(
  book: RevocationBook,
  command: RevokeCommand,
  known: readonly TokenMarks[],
  nowMs: number,
): number {
  const { by, issuedBeforeS, expiresAtS } = command;
  if (expiresAtS !== null) return expiresAtS * 1000 + LEEWAY_MS;
  const soonestMs = nowMs + lifetimeOf(book);
  if (by === "jti" || by === "token") {
    // These are one token's, so one that is in use tells the end.
    const ends = known.map(({ expiresAtMs }) => (expiresAtMs === null ? soonestMs : expiresAtMs + LEEWAY_MS));
    return ends.length === 0 ? soonestMs : Math.max(...ends);
  }
  if (issuedBeforeS !== null) return Math.max(nowMs, issuedBeforeS * 1000) + lifetimeOf(book);
  // Further tokens may be issued for the others.
  return nowMs + book.maxTtlMs;
}

/** Clocks differ, for `iat` as for `exp`. */
const LEEWAY_MS = LIMITS.maxLeewayS * 1000;

/** Of a token that is there already. */
function lifetimeOf({ maxTtlMs, longestLifetimeMs }: RevocationBook): number {
  return longestLifetimeMs === null ? maxTtlMs : Math.min(maxTtlMs, longestLifetimeMs + 2 * LEEWAY_MS);
}
