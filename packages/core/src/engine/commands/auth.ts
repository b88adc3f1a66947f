import type { Accepted, Refused } from "../../jwt/verdict.ts";
import { durationText } from "../../log-sampler.ts";
import type { Command } from "../../protocol/command.ts";
import { AUTH_REFUSED, authAccepted } from "../../protocol/replies.ts";
import { CallScope } from "../../rpc/backend.ts";
import { isClosed, type Session } from "../../session/session.ts";
import { admitByMessage, recordAccepted, refuseTokenless, tellToken } from "../admit.ts";
import { CommandFailure, type EngineContext } from "../context.ts";

const NO_TOKEN: Refused = {
  accepted: false,
  reason: "missing",
  keyName: null,
  detail: "the command has no `token`, or one that is not a string",
  expiredForMs: null,
};

/**
 * Takes a token in a message: the first one of a connection that came without, or a fresh one in place of that which it
 * came with. The application is not asked: it is still the same client, or the connection ends.
 */
export function auth(context: EngineContext, session: Session, { token }: Command): void | Promise<void> {
  if (session.term?.awaited) {
    if (token === "") refuseTokenless(context, session, NO_TOKEN.detail);
    else admitByMessage(context, session, token);
    return;
  }
  const { verify, missingKeys } = context.admission;
  if (verify === null) {
    context.send(session, AUTH_REFUSED);
    throw new CommandFailure("auth: tokens are not looked at here, there are no keys for them");
  }
  const verdict = token === "" ? NO_TOKEN : verify(token);
  if (verdict.accepted) {
    renew(context, session, token, verdict);
    return;
  }
  const arrival = missingKeys?.arrival() ?? null;
  if (arrival === null) {
    refuse(context, session, verdict);
    return;
  }
  session.scope = new CallScope();
  return arrival.then(() => {
    session.scope = null;
    if (isClosed(session)) return;
    const second = verify(token);
    if (second.accepted) renew(context, session, token, second);
    else refuse(context, session, second);
  });
}

function renew(context: EngineContext, session: Session, token: string, verdict: Accepted): void {
  if (verdict.identity !== (session.tokenIdentity ?? session.identifiers)) {
    context.counters.verifications.add(["accepted", "none", "message", verdict.keyName]);
    const fields = { sid: session.sid, remote: session.remoteAddress };
    context.sampled(
      "info",
      "identity_changed",
      "disconnecting session: its new token is for another identity",
      fields,
    );
    context.drop(session, "identity_changed");
    return;
  }
  const expiresInS = recordAccepted(context, session, verdict, "message");
  tellToken(context, session, token);
  context.send(session, authAccepted(expiresInS));
  if (context.log.enabled("debug")) {
    context.log.debug("token renewed", { sid: session.sid, key: verdict.keyName });
  }
}

/** The connection goes on as it was: its own token may still be good. */
function refuse(context: EngineContext, session: Session, verdict: Refused): void {
  const { reason, keyName, detail, expiredForMs } = verdict;
  context.counters.failedAuths.value += 1;
  context.failedAuths?.add(session.remoteAddress);
  context.counters.verifications.add(["refused", reason, "message", keyName ?? "none"]);
  context.sampled("info", reason, "new token refused", {
    reason,
    key: keyName ?? undefined,
    sid: session.sid,
    remote: session.remoteAddress,
    carrier: "message",
    expired_for: expiredForMs === null ? undefined : durationText(expiredForMs),
    detail,
  });
  context.send(session, AUTH_REFUSED);
}
