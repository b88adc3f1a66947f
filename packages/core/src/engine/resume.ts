import type { Answer } from "../broker/answer.ts";
import type { SessionSnapshot, Sessions, SubscriptionSnapshot } from "../broker/sessions.ts";
import { messageOf } from "../errors.ts";
import type { Accepted } from "../jwt/verdict.ts";
import { restoredWelcome } from "../protocol/replies.ts";
import { CallScope } from "../rpc/backend.ts";
import { addSubscription, isClosed, type Session, type Subscription } from "../session/session.ts";
import type { Admission } from "./admission.ts";
import { type EngineContext, quoted } from "./context.ts";
import { startHeldStream } from "./holding.ts";
import { carryPresence } from "./presence.ts";
import { isRevokedByNow, isSessionRevoked } from "./revocation-terms.ts";

/** What happens to a client that comes for a session, as to any other. */
export interface Meeting {
  readonly decide: () => Admission;
  readonly carryOut: (admission: Admission) => void;
  /** `token`: the verified one, where there was one. */
  readonly letIn: (identifiers: string, token: Accepted | null) => void;
}

/**
 * Gives a client its former session back, or meets it like any other (anycable node/node.go@1.6.16, TryRestoreSession).
 *
 * DEVIATION: D2. The reference asks for no token here. We first decide about the client as if it had no session: it gets
 * one back only if it would be let in now, and then the one of the same identity alone. The application is not asked
 * again.
 */
export function resume(
  context: EngineContext,
  sessions: Sessions,
  session: Session,
  formerSid: string,
  meeting: Meeting,
): void {
  const admission = context.resumeVerify ? meeting.decide() : null;
  if (admission !== null && !letsIn(admission)) {
    meeting.carryOut(admission);
    return;
  }
  const settle = (found: SessionSnapshot | null, hasEnded: (snapshot: SessionSnapshot) => boolean) => {
    const token = admission?.token ?? null;
    if (token !== null && isRevokedByNow(context, token.identity, token.marks)) {
      context.drop(session, "revoked");
      return;
    }
    const isGone = found !== null && (isSessionRevoked(context, formerSid, found) || hasEnded(found));
    const snapshot = isGone ? null : found;
    const fields = { sid: session.sid, old_sid: quoted(formerSid) };
    const denial = snapshot === null || admission === null ? null : denialOf(admission, snapshot);
    if (snapshot !== null && denial === null) {
      context.counters.resumes.add(["restored"]);
      context.log.debug("session restored", fields);
      restore(context, session, snapshot, meeting, token);
      carryPresence(context, formerSid, session);
      return;
    }
    context.counters.resumes.add([denial === null ? "unknown" : "denied"]);
    if (denial === null) context.log.debug("session not found in cache", fields);
    else context.sampled("info", "resume_denied", "session not resumed", { ...fields, reason: denial });
    meeting.carryOut(admission ?? meeting.decide());
  };
  const found = findSession(context, sessions, formerSid);
  if (found instanceof Promise) awaitSession(context, session, found, settle);
  else settle(found, () => false);
}

/** Removes what is cached of sessions of these identifiers, so that nobody gets one back. Those connected are the caller's. */
export function forgetSessions(context: EngineContext, identifiers: string): void {
  context.lookups.ended(identifiers);
  settled(context, context.broker?.sessions?.removeOf(identifiers));
}

/** Removes what is cached of what the session was before it was resumed; for one that is ended on purpose. */
function forgetFormer(context: EngineContext, { identifiers, lineage, sid }: Session): void {
  if (lineage === null) return;
  context.lookups.ended(identifiers, lineage);
  if (lineage === sid) return;
  settled(context, context.broker?.sessions?.removeOf(identifiers, lineage));
}

/**
 * Ends a session for good, as the application wants it, with all that there is of it: a former connection of its client that
 * still seems to be there, and what is cached.
 */
export function endForGood(context: EngineContext, session: Session): void {
  const { lineage, identifiers } = session;
  forgetFormer(context, session);
  if (lineage !== null) {
    for (const kin of [context.sessions.get(lineage), ...context.lineages.resumedOf(lineage)]) {
      if (kin !== undefined && kin !== session && kin.identifiers === identifiers)
        context.drop(kin, "backend_closed");
    }
  }
  context.drop(session, "backend_closed");
}

/**
 * Removes what is cached of every session that matches.
 *
 * @param whenDone called once all have been looked at.
 */
export function forgetMatching(
  context: EngineContext,
  matches: (sid: string, snapshot: SessionSnapshot) => boolean,
  whenDone: () => void,
): void {
  const answer = context.broker?.sessions?.removeWhere(matches);
  if (answer instanceof Promise) settled(context, answer.then(whenDone));
  else whenDone();
}

/** Caches a session whose connection has ended. DEVIATION: D1. The reference caches those that were never let in as well. */
export function keepSession(context: EngineContext, session: Session): void {
  if (session.lineage === null) return;
  settled(
    context,
    context.broker?.sessions?.save(session.sid, snapshotOf(context, session, session.lineage)),
  );
}

/** A session that is connected may be resumed as well: when a network changes, its server does not hear of it for long. */
function findSession(
  context: EngineContext,
  sessions: Sessions,
  formerSid: string,
): Answer<SessionSnapshot | null> {
  return connectedSnapshot(context, formerSid) ?? sessions.find(formerSid);
}

export function connectedSnapshot(context: EngineContext, sid: string): SessionSnapshot | null {
  const live = context.sessions.get(sid);
  if (live?.state === "open" && live.lineage !== null) return snapshotOf(context, live, live.lineage);
  return null;
}

/** The client's commands wait, as they do for the application. A cache that fails is an empty one. */
function awaitSession(
  context: EngineContext,
  session: Session,
  found: Promise<SessionSnapshot | null>,
  settle: (snapshot: SessionSnapshot | null, hasEnded: (snapshot: SessionSnapshot) => boolean) => void,
): void {
  const { lookups } = context;
  const begun = lookups.begin();
  session.scope = new CallScope();
  found
    .catch((fault: unknown) => {
      reportFault(context, fault);
      return null;
    })
    .then((snapshot) => {
      session.scope = null;
      if (isClosed(session)) return;
      settle(snapshot, (it) => lookups.hasEnded(it, begun));
      context.resume(session);
    })
    .catch((bug: unknown) => {
      session.scope = null;
      const fields = { sid: session.sid, code: "bug", error: messageOf(bug) };
      context.sampled("error", "bug", "WebSocket session failed", fields);
      context.drop(session, "internal_error");
    })
    .finally(() => lookups.done());
}

type LettingIn = Extract<Admission, { readonly kind: "admit" | "ask_backend" }>;

function letsIn(admission: Admission): admission is LettingIn {
  return admission.kind === "admit" || admission.kind === "ask_backend";
}

/**
 * Why who is let in so may not have the session, or null: it takes a token of the same identity, or without one the same way
 * in. A client of a page where somebody else signed in meanwhile is the usual one of `other_identity`.
 */
function denialOf({ kind, token }: LettingIn, { admittedBy, tokenIdentity }: SessionSnapshot): string | null {
  if (token !== null && tokenIdentity !== null) {
    return token.identity === tokenIdentity ? null : "other_identity";
  }
  if (tokenIdentity !== null) return "without_token";
  if (token !== null) return "opened_without_token";
  return admittedBy === (kind === "admit" ? "public" : "backend") ? null : "other_way_in";
}

/**
 * The welcome goes out first; what is published from then on is held until the client has asked for what it missed, for it
 * asks from what it heard last.
 *
 * DEVIATION: D27. The reference follows the streams first, and holds nothing.
 */
function restore(
  context: EngineContext,
  session: Session,
  snapshot: SessionSnapshot,
  { letIn }: Meeting,
  token: Accepted | null,
): void {
  session.lineage = snapshot.lineage;
  session.tokenIdentity = snapshot.tokenIdentity;
  session.marks = snapshot.marks;
  session.cstate = snapshot.cstate;
  session.disconnectInterest = snapshot.disconnectInterest;
  letIn(snapshot.identifiers, token);
  // Only where nobody looked at a token is there none: the one that the session was opened with ends it all the same.
  if (token === null && snapshot.marks !== null)
    context.expiry.accepted(session, snapshot.marks.expiresAtMs, null);
  context.markInterest(session, "indifferent");
  const identifiers = snapshot.subscriptions.map(({ identifier }) => identifier);
  context.send(session, restoredWelcome(session.sid, identifiers));
  for (const subscription of snapshot.subscriptions) follow(context, session, subscription);
  if (identifiers.length > 0) context.restored.add(session);
  context.lineages.add(session);
}

function follow(
  context: EngineContext,
  session: Session,
  { identifier, streams, istate, routed }: SubscriptionSnapshot,
): void {
  const subscription: Subscription = { groups: [], istate, routed, unconfirmed: true };
  addSubscription(session, identifier, subscription);
  for (const stream of streams) startHeldStream(context, session, identifier, subscription, stream);
}

/** What of the session is to outlive its connection. State maps are never changed in place, so they are shared. */
export function snapshotOf({ admission }: EngineContext, session: Session, lineage: string): SessionSnapshot {
  const { identifiers, tokenIdentity, marks, cstate, disconnectInterest } = session;
  const subscriptions: SubscriptionSnapshot[] = [];
  for (const [identifier, { groups, istate, routed }] of session.subscriptions ?? []) {
    subscriptions.push({ identifier, streams: groups.map(({ stream }) => stream), istate, routed });
  }
  const admittedBy = tokenIdentity !== null ? "token" : admission.noAuth ? "public" : "backend";
  return {
    identifiers,
    lineage,
    admittedBy,
    tokenIdentity,
    marks,
    cstate,
    subscriptions,
    disconnectInterest,
  };
}

/** Nobody waits for what is written to the cache. */
function settled(context: EngineContext, answer: Answer<void> | undefined): void {
  if (answer instanceof Promise) answer.catch((fault: unknown) => reportFault(context, fault));
}

export function reportFault(context: EngineContext, fault: unknown): void {
  context.sampled("warn", "sessions", "the cache of sessions failed", { error: messageOf(fault) });
}
