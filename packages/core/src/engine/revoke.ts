import type { Answer } from "../broker/answer.ts";
import type { SessionSnapshot } from "../broker/sessions.ts";
import { messageOf } from "../errors.ts";
import { isIssuedBefore, type Revocation } from "../jwt/revocation/revocation.ts";
import { marksOfAll, type TokenMarks } from "../jwt/revocation/token-marks.ts";
import { type RevokeCommand, revokeText } from "../protocol/revoke-command.ts";
import type { EngineContext } from "./context.ts";
import { forgetMatching, reportFault } from "./resume.ts";
import { commandOf, kindOf, revocationOf } from "./revocation-terms.ts";

export type RevokeResult =
  | { readonly done: true; readonly closed: number; readonly untilMs: number }
  /** `why` is a phrase for who asked; it may be in force all the same, on this node or until a restart. */
  | { readonly done: false; readonly why: string };

export type RevokedFrom = "publisher" | "channel" | "node";

/**
 * Refuses matching tokens from now on, ends the sessions that were opened with them, and forgets what is kept of ended
 * ones. With no room for it nothing is done at all.
 *
 * @param from who asked: a publisher this node alone, or all of them by a channel; another node has told all of them.
 */
export function revoke(
  context: EngineContext,
  command: RevokeCommand,
  from: RevokedFrom = "publisher",
): RevokeResult {
  const { clock, counters, revocations, log } = context;
  const nowMs = clock.nowMs();
  const root = command.by === "sid" ? lineageOf(context, command.value, from) : null;
  const lineage = root instanceof Promise ? command.value : root;
  const isAsked: IsMeant = (sid, it) =>
    isMeant(sid, it, command) || (lineage !== null && it.lineage === lineage);
  const known = marksMeant(context, isAsked);
  const main = revocationOf(revocations, command, known, nowMs);
  const tokens = command.by === "sid" ? tokensOf(context, command, known, nowMs) : [];
  const changed = revocations.inForce.add([main, ...tokens], nowMs);
  const by = kindOf(command);
  if (changed === null) {
    counters.revocations.add([by, "refused"]);
    const message = "no room for another revocation: raise --revocations_limit";
    context.sampled("error", "revocations_limit", message, { by, num: revocations.inForce.size });
    return { done: false, why: NO_ROOM };
  }
  const tags = new Set(tokens.map(({ value }) => value));
  const meant: IsMeant = (sid, it) => isAsked(sid, it) || (tags.size > 0 && tags.has(tagOf(it)));
  const closed = closeMeant(context, meant, command.reconnect);
  forgetCached(context, meant, command, from);
  if (root !== null && from !== "node") revokeLineage(context, command, root);
  if (changed.length > 0) {
    counters.revocations.add([by, "taken"]);
    // Whom it is about stays out of the log: identifiers are personal.
    log.info("revoked", { by, closed, until: new Date(main.untilMs).toISOString() });
    revocations.share?.(changed, from === "publisher" || tokens.length > 0);
  }
  const problem =
    save(context, changed) ?? tell(context, from === "publisher" ? [main, ...tokens] : tokens, command);
  return problem === null ? { done: true, closed, untilMs: main.untilMs } : { done: false, why: problem };
}

const NO_ROOM =
  "there is no room for another revocation; raise --revocations_limit, or revoke many tokens in one: by kid, or by " +
  "identifiers with issued_before";

/** What the cases have in common of a session and of what is cached of one. */
type Revocable = Pick<SessionSnapshot, "identifiers" | "tokenIdentity" | "marks"> & {
  readonly lineage: string | null;
};
type IsMeant = (sid: string, it: Revocable) => boolean;

function tagOf({ marks }: Revocable): string {
  return marks === null ? "" : String(marks.tag);
}

/** Who has no token has no `iat` either, so it counts as issued before any time. */
function isMeant(sid: string, it: Revocable, command: RevokeCommand): boolean {
  const { identifiers, tokenIdentity, marks } = it;
  const { by, value, issuedBeforeS } = command;
  switch (by) {
    case "jti":
    case "kid":
      return marks !== null && marks[by] === value;
    case "token":
      return tagOf(it) === value;
    case "sid":
      return sid === value || (marks !== null && marks.sid === value);
    case "identifiers":
      // Where the application has the last word, they are not those of the token.
      if (identifiers !== value && tokenIdentity !== value) return false;
      return issuedBeforeS === null || isIssuedBefore(marks?.issuedAtS ?? null, issuedBeforeS);
  }
}

/**
 * What a session was before it was resumed, and what it has become since, is the session as well: else its client would
 * come back by a former id. Never rejects. Whom a node has told knows of it what it can say at once: the one that was asked
 * looks it up for all.
 */
function lineageOf(context: EngineContext, sid: string, from: RevokedFrom): Answer<string> {
  const { broker, sessions } = context;
  const live = sessions.get(sid)?.lineage;
  if (live) return live;
  if (from === "node" && broker?.sessions?.isShared) return sid;
  const cached = broker?.sessions?.find(sid) ?? null;
  if (!(cached instanceof Promise)) return cached?.lineage ?? sid;
  return cached.then(
    (found) => found?.lineage ?? sid,
    (fault: unknown) => {
      reportFault(context, fault);
      return sid;
    },
  );
}

/** Sessions that began as the same one may be on other nodes, or be found after a while; they are known by the first id. */
function revokeLineage(context: EngineContext, command: RevokeCommand, lineage: Answer<string>): void {
  const revokeAll = (value: string) => {
    if (value !== command.value) revoke(context, { ...command, value });
  };
  if (lineage instanceof Promise) void lineage.then(revokeAll);
  else if (context.pubSub !== null) revokeAll(lineage);
}

function marksMeant(context: EngineContext, meant: IsMeant): readonly TokenMarks[] {
  const found: TokenMarks[] = [];
  for (const session of context.sessions.values()) {
    if (session.marks !== null && meant(session.sid, session)) found.push(session.marks);
  }
  return found;
}

/** The tokens that a session was opened with go with it, where they do not name it: else they would open the next one. */
function tokensOf(
  context: EngineContext,
  { value }: RevokeCommand,
  known: readonly TokenMarks[],
  nowMs: number,
): readonly Revocation[] {
  const others = known.flatMap(marksOfAll).filter(({ sid }) => sid !== value);
  return others.map((marks) => revocationOf(context.revocations, byTag(marks), [marks], nowMs));
}

function byTag({ tag }: TokenMarks): RevokeCommand {
  return { by: "token", value: String(tag), issuedBeforeS: null, expiresAtS: null, reconnect: false };
}

/** @returns how many were closed. */
function closeMeant(context: EngineContext, meant: IsMeant, reconnect: boolean): number {
  let closed = 0;
  for (const session of context.sessions.values()) {
    if (!meant(session.sid, session)) continue;
    closed += 1;
    context.drop(session, "revoked", reconnect);
  }
  return closed;
}

/** A session that is cached may be all that is left of one, and tell the token that it was opened with. */
function forgetCached(
  context: EngineContext,
  meant: IsMeant,
  command: RevokeCommand,
  from: RevokedFrom,
): void {
  // The node that was asked does so for all.
  if (from === "node" && context.broker?.sessions?.isShared) return;
  const tokens: TokenMarks[] = [];
  const matches = (sid: string, snapshot: SessionSnapshot): boolean => {
    if (!meant(sid, snapshot)) return false;
    if (command.by === "sid" && snapshot.marks !== null)
      tokens.push(...marksOfAll(snapshot.marks).filter((marks) => marks.sid !== command.value));
    return true;
  };
  forgetMatching(context, matches, () => {
    for (const marks of tokens) revoke(context, byTag(marks));
  });
}

/**
 * Writes down what has changed.
 *
 * @returns what went wrong, or null.
 */
export function save({ revocations, log }: EngineContext, changed: readonly Revocation[]): string | null {
  if (changed.length === 0) return null;
  try {
    revocations.write?.(changed);
    return null;
  } catch (thrown) {
    log.error("a revocation was not saved", { error: messageOf(thrown) });
    return `it is in force, but not saved: ${messageOf(thrown)}`;
  }
}

/** Tells the other nodes, as this one knows it. */
function tell(
  { pubSub, revocations: { share } }: EngineContext,
  revocations: readonly Revocation[],
  { reconnect }: RevokeCommand,
): string | null {
  if (pubSub === null || revocations.length === 0) return null;
  if (!pubSub.isUp) {
    const where = share === null ? "on this node alone" : "on this node alone until they are connected again";
    return `it is in force ${where}: the connection between the nodes is down`;
  }
  for (const revocation of revocations) pubSub.command(revokeText(commandOf(revocation, reconnect)));
  return null;
}
