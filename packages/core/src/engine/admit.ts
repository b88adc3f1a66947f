import { CableError, messageOf } from "../errors.ts";
import { succeed } from "../jwt/revocation/token-marks.ts";
import type { Accepted } from "../jwt/verdict.ts";
import { durationText } from "../log-sampler.ts";
import { disconnect, welcome } from "../protocol/replies.ts";
import { DROP_REASONS } from "../reasons.ts";
import { CallScope, type ConnectReply } from "../rpc/backend.ts";
import { isClosed, mergeState, type Session } from "../session/session.ts";
import {
  type Admission,
  type Carrier,
  type Credentials,
  decideAdmission,
  type Refusal,
} from "./admission.ts";
import { type EngineContext, rpcEnv } from "./context.ts";
import { resume } from "./resume.ts";
import { isRevokedByNow } from "./revocation-terms.ts";
import { withToken } from "./token-place.ts";

/** Lets a client in, gives it its session back, refuses it, or asks the application; it is told in every case. */
export function admit(
  context: EngineContext,
  session: Session,
  credentials: Credentials,
  mayWait = true,
): void {
  const { formerSid } = credentials;
  const sessions = context.broker?.sessions;
  if (formerSid === undefined || !sessions) {
    const admission = decideAdmission(context.admission, credentials, session.sid, mayWait);
    carryOut(context, session, credentials, admission);
    return;
  }
  resume(context, sessions, session, formerSid, {
    decide: () => decideAdmission(context.admission, credentials, session.sid, mayWait),
    carryOut: (admission) => carryOut(context, session, credentials, admission),
    letIn: (identifiers, token) => {
      if (token !== null) recordAccepted(context, session, token, credentials.carrier);
      open(context, session, identifiers);
    },
  });
}

function carryOut(
  context: EngineContext,
  session: Session,
  credentials: Credentials,
  admission: Admission,
): void {
  switch (admission.kind) {
    case "admit":
      if (admission.token !== null) recordAccepted(context, session, admission.token, credentials.carrier);
      open(context, session, admission.identifiers);
      context.send(session, welcome(session.sid));
      context.markInterest(session, "indifferent");
      if (admission.token !== null) context.shadow?.accepted(session, admission.identifiers);
      return;
    case "ask_backend":
      if (admission.token !== null) recordAccepted(context, session, admission.token, credentials.carrier);
      askBackend(context, session, admission.token);
      return;
    case "await_keys":
      awaitKeys(context, session, credentials, admission.arrival);
      return;
    case "await_token":
      // Whatever else comes before it has to wait, as it does for the application.
      session.scope = new CallScope();
      context.expiry.awaitToken(session, credentials.formerSid ?? null);
      return;
    case "refuse":
      refuse(context, session, admission.refusal, credentials.carrier);
      return;
    case "refuse_unconfigured":
      context.counters.failedAuths.value += 1;
      context.sampled("info", "no_backend", "client refused", {
        reason: "no_backend",
        sid: session.sid,
        remote: session.remoteAddress,
        detail: "no secret to verify tokens with, no RPC backend, and --noauth is off",
      });
      context.drop(session, "no_backend");
  }
}

function open(context: EngineContext, session: Session, identifiers: string): void {
  session.identifiers = identifiers;
  session.state = "open";
  context.saved?.changed(session);
  if (context.log.enabled("debug")) context.log.debug("session opened", { sid: session.sid });
}

/**
 * A token of the session's was accepted, its first or a later one.
 *
 * @returns how many seconds the connection has now; null for as long as it likes.
 */
export function recordAccepted(
  context: EngineContext,
  session: Session,
  token: Accepted,
  carrier: Carrier,
): number | null {
  session.tokenIdentity = token.identity;
  context.counters.verifications.add(["accepted", "none", carrier, token.keyName]);
  session.marks = succeed(token.marks, session.marks, context.clock.nowMs());
  context.saved?.changed(session);
  // Only the application asks for the claims, so without one they are not kept (memory a connection).
  if (context.backend.kind !== "none") session.jwtIdentity = token.claimsSegment;
  const { issuedAtS } = token.marks;
  return context.expiry.accepted(
    session,
    token.connectionEndsAtMs,
    issuedAtS === null ? null : issuedAtS * 1000,
  );
}

/** The token that was to come in the first message. It is judged as any other, and what waited for it goes on. */
export function admitByMessage(context: EngineContext, session: Session, token: string): void {
  const formerSid = session.term?.formerSid ?? null;
  session.scope = null;
  context.expiry.tokenCame(session);
  tellToken(context, session, token);
  const shown: Credentials = { token, carrier: "message", queryMalformed: false };
  admit(context, session, formerSid === null ? shown : { ...shown, formerSid });
  context.resume(session);
}

/** Whatever the application is told from now on has this token in it, and none that came before. */
export function tellToken(context: EngineContext, session: Session, token: string): void {
  if (context.backend.kind === "none") return;
  const told = withToken(session.url, session.headers, context.admission.tokenParam, token);
  session.url = told.url;
  session.headers = told.headers;
}

/** The first message that was waited for has no token, or `--jwt_first_message_timeout` has passed. */
export function refuseTokenless(context: EngineContext, session: Session, detail: string): void {
  refuse(context, session, { reason: "missing", keyName: null, detail, expiredForMs: null }, "none");
}

function refuse(context: EngineContext, session: Session, refusal: Refusal, carrier: Carrier): void {
  const { reason, keyName, detail, expiredForMs } = refusal;
  context.counters.failedAuths.value += 1;
  context.counters.verifications.add(["refused", reason, carrier, keyName ?? "none"]);
  const farewell = context.admission.farewell(reason);
  if (!refusal.reconnect && !farewell.reconnect) context.failedAuths?.add(session.remoteAddress);
  context.sampled(farewell.level, reason, "client refused", {
    reason,
    key: keyName ?? undefined,
    sid: session.sid,
    remote: session.remoteAddress,
    carrier,
    expired_for: expiredForMs === null ? undefined : durationText(expiredForMs),
    detail,
  });
  context.shadow?.refused(session, refusal);
  context.dismiss(session, refusal.reconnect ? { ...farewell, reconnect: true } : farewell);
}

/** The client's commands wait, as they do for the application; then the token is judged as if it had just come. */
function awaitKeys(
  context: EngineContext,
  session: Session,
  credentials: Credentials,
  arrival: Promise<void>,
): void {
  session.scope = new CallScope();
  arrival
    .then(() => {
      session.scope = null;
      if (isClosed(session)) return;
      admit(context, session, credentials, false);
      context.resume(session);
    })
    .catch((fault: unknown) => {
      session.scope = null;
      if (!isClosed(session)) failConnect(context, session, "bug", messageOf(fault));
    });
}

/** Asks the application to let the client in. Until it has answered, the client's commands wait. */
function askBackend(context: EngineContext, session: Session, token: Accepted | null): void {
  const scope = new CallScope();
  const request = { sid: session.sid, env: rpcEnv(session, {}), jwtIdentity: session.jwtIdentity };
  const reply = context.backend.connect(request, scope);
  if (!(reply instanceof Promise)) {
    applyConnectReply(context, session, token, reply);
    return;
  }
  session.scope = scope;
  reply
    .then((answer) => {
      session.scope = null;
      if (isClosed(session)) return;
      applyConnectReply(context, session, token, answer);
      context.resume(session);
    })
    .catch((fault: unknown) => {
      session.scope = null;
      if (isClosed(session)) return;
      failConnect(context, session, fault instanceof CableError ? fault.code : "bug", messageOf(fault));
    });
}

/** Order as in the reference: let in, connection state, transmissions, interest (anycable node/node.go@1.6.16). */
function applyConnectReply(
  context: EngineContext,
  session: Session,
  token: Accepted | null,
  reply: ConnectReply,
): void {
  if (reply.status === "error") {
    failConnect(
      context,
      session,
      "backend_error",
      `the RPC backend answered Connect with an error: ${reply.errorMessage}`,
    );
    return;
  }
  session.cstate = mergeState(session.cstate, reply.cstate);
  if (reply.status === "failure") {
    refuseByBackend(context, session, reply);
    return;
  }
  const identifiers = reply.identifiers === "" && token !== null ? token.identity : reply.identifiers;
  // While the application was asked, or for the identifiers that it gave.
  if (token !== null && isRevokedByNow(context, identifiers, token.marks)) {
    context.drop(session, "revoked");
    return;
  }
  open(context, session, identifiers);
  for (const transmission of reply.transmissions) context.send(session, transmission);
  context.markInterest(session, "interested");
}

function refuseByBackend(context: EngineContext, session: Session, reply: ConnectReply): void {
  context.counters.failedAuths.value += 1;
  context.failedAuths?.add(session.remoteAddress);
  context.sampled("info", "backend_refused", "client refused", {
    reason: "backend_refused",
    sid: session.sid,
    remote: session.remoteAddress,
    detail:
      reply.errorMessage === ""
        ? "the RPC backend said no"
        : `the RPC backend said no: ${reply.errorMessage}`,
  });
  for (const transmission of reply.transmissions) context.send(session, transmission);
  context.drop(session, "backend_refused");
}

function failConnect(context: EngineContext, session: Session, code: string, why: string): void {
  context.sampled(DROP_REASONS.backend_failed.level, code, "WebSocket session failed", {
    sid: session.sid,
    remote: session.remoteAddress,
    code,
    error: `failed to authenticate, cause: ${why}`,
  });
  context.drop(session, "backend_failed");
}

/** The disconnect message of a farewell, or null when nothing is said. */
export function farewellFrame(wire: string | null, reconnect: boolean): string | null {
  return wire === null ? null : disconnect(wire, reconnect);
}
