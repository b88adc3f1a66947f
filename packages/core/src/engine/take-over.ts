import type { Revocation } from "../jwt/revocation/revocation.ts";
import { Revocations } from "../jwt/revocation/revocations.ts";
import type { Session } from "../session/session.ts";
import type { EngineContext } from "./context.ts";
import { commandOf, NO_MARKS } from "./revocation-terms.ts";
import { revoke, save } from "./revoke.ts";

/**
 * Takes over what other nodes have revoked while this one did not hear of it, as if it did now. What is kept of ended
 * sessions they have forgotten already: nodes that write down revocations for each other keep sessions together.
 *
 * @returns what of it is new here.
 */
export function takeOver(context: EngineContext, found: readonly Revocation[]): readonly Revocation[] {
  const { clock, counters, revocations, log, sessions } = context;
  const nowMs = clock.nowMs();
  const taken: Revocation[] = [];
  let left = 0;
  for (const one of found) {
    if (one.untilMs <= nowMs) continue;
    const changed = revocations.inForce.add([one], nowMs);
    counters.revocations.add([one.by, changed === null ? "refused" : "taken"], changed?.length ?? 1);
    if (changed === null) left += 1;
    else taken.push(...changed);
  }
  if (left > 0) {
    const message = "no room for what other servers have revoked: raise --revocations_limit";
    context.sampled("error", "revocations_limit", message, { left, num: revocations.inForce.size });
  }
  if (taken.length === 0) return taken;
  save(context, taken);
  const before = sessions.size;
  endMeant(context, taken, nowMs);
  log.info("revocations of other servers are in force", {
    num: taken.length,
    closed: before - sessions.size,
  });
  return taken;
}

/** However many revocations there are, each session is looked at once. */
function endMeant(context: EngineContext, taken: readonly Revocation[], nowMs: number): void {
  if (context.sessions.size === 0) return;
  const fresh = new Revocations(Number.POSITIVE_INFINITY);
  fresh.add(taken, nowMs);
  const bySid = new Map(taken.flatMap((one) => (one.by === "sid" ? [[one.value, one] as const] : [])));
  for (const session of [...context.sessions.values()]) {
    if (session.state === "closed") continue;
    const own = bySid.get(session.sid) ?? bySid.get(session.lineage ?? "");
    // The tokens that it was opened with go with it, and it is here that they are known.
    if (own !== undefined) revoke(context, commandOf(own, false), "node");
    else if (isMeant(session, fresh, nowMs)) context.drop(session, "revoked", false);
  }
}

function isMeant({ identifiers, tokenIdentity, marks }: Session, fresh: Revocations, nowMs: number): boolean {
  const isRefused = (identity: string) => fresh.refusalOf(identity, marks ?? NO_MARKS, nowMs) !== null;
  // Where the application has the last word, the identifiers are not those of the token.
  return isRefused(identifiers) || (tokenIdentity !== null && isRefused(tokenIdentity));
}
