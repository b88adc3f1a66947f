import type { Log } from "../log.ts";
import { DROP_REASONS } from "../reasons.ts";
import type { DisconnectRequest } from "../rpc/backend.ts";
import { isClosed, type Session } from "../session/session.ts";
import { TICK_MS } from "../session/timer-wheel.ts";
import { farewellFrame } from "./admit.ts";
import type { EngineContext } from "./context.ts";

/** Takes the session out of its streams. Where the connection is gone already its topics are as well. */
export function leaveStreams(context: EngineContext, session: Session, connected: boolean): void {
  for (const { groups } of session.subscriptions?.values() ?? []) {
    for (const group of groups) {
      if (connected) context.hub.leave(session.connection, group);
      else context.hub.forget(session.connection, group);
    }
  }
}

/** What the application is told of an ended session: its state, and each channel's as JSON text. */
export function disconnectRequest(session: Session): DisconnectRequest {
  // Clients choose the keys, and __proto__ may be one.
  const istate: Record<string, string> = Object.create(null);
  const subscriptions: string[] = [];
  for (const [identifier, subscription] of session.subscriptions ?? []) {
    subscriptions.push(identifier);
    if (Object.keys(subscription.istate).length > 0) istate[identifier] = JSON.stringify(subscription.istate);
  }
  return {
    sid: session.sid,
    env: { url: session.url, headers: session.headers, cstate: session.cstate, istate },
    jwtIdentity: session.jwtIdentity,
    identifiers: session.identifiers,
    subscriptions,
  };
}

/** The session has lived as long as its token (`--session_expiry=close`). */
export function dropExpired(context: EngineContext, session: Session): void {
  const fields = { sid: session.sid, remote: session.remoteAddress };
  context.sampled("info", "token_expired", "disconnecting session: its token expires", fields);
  context.drop(session, "token_expired");
}

export interface Dismissal {
  /** Takes a session out of everything but its connection. */
  readonly end: (session: Session) => void;
  /** Whether a connection with something waiting has taken nothing for too long. */
  readonly isStuck: (session: Session) => boolean;
  readonly untilMs: number;
  /** Where it is said how many are told, and how many may not have heard it. */
  readonly log: Log;
}

/**
 * Tells these clients that the server restarts, ends their sessions, and closes each connection once its queue is
 * empty, it is stuck, or `untilMs` has come. Resolves when all are closed, with how many may not have heard it; the sessions have
 * ended before it returns.
 *
 * DEVIATION: D13. The reference may exit before its queues are flushed.
 */
export async function dismissAll(
  context: EngineContext,
  leaving: readonly Session[],
  dismissal: Dismissal,
): Promise<number> {
  if (leaving.length === 0) return 0;
  const { log } = dismissal;
  log.info("closing active connections", { num: leaving.length });
  return report(log, await dismissTogether(context, leaving, dismissal));
}

/** The part of the time in which clients leave one after the other; the rest is for their last bytes. */
const TURNS_SHARE = 0.8;

/**
 * The same with so many a second, so that they do not all come back at once. Until its turn a client is served as ever.
 * More leave together where the time is too short for the rate. Resolves when all sessions have ended and gives what
 * resolves when their connections are closed.
 */
export async function dismissInTurns(
  context: EngineContext,
  leaving: readonly Session[],
  dismissal: Dismissal & { readonly ratePerS: number },
): Promise<{ readonly closed: Promise<number> }> {
  const { clock } = context;
  const { ratePerS, untilMs, log } = dismissal;
  const startMs = clock.monotonicMs();
  const turnsMs = Math.max(1, (untilMs - startMs) * TURNS_SHARE);
  const perMs = Math.max(ratePerS / 1000, leaving.length / turnsMs);
  log.info("closing active connections", { num: leaving.length, rate: Math.ceil(perMs * 1000) });
  const batches: Promise<number>[] = [];
  for (let next = 0; ; ) {
    const due = Math.max(1, Math.ceil((clock.monotonicMs() - startMs) * perMs));
    const turn = leaving.slice(next, due).filter((session) => !isClosed(session));
    next = due;
    if (turn.length > 0) batches.push(dismissTogether(context, turn, dismissal));
    if (next >= leaving.length) break;
    await new Promise<void>((resolve) => clock.after(TICK_MS, resolve));
  }
  const closed = Promise.all(batches).then((unheard) =>
    report(
      log,
      unheard.reduce((sum, count) => sum + count, 0),
    ),
  );
  return { closed };
}

function report(log: Log, unheard: number): number {
  if (unheard === 0) log.info("all active connections closed");
  else log.warn("terminated while disconnecting active sessions", { num: unheard });
  return unheard;
}

/** @returns how many may not have heard it. */
async function dismissTogether(
  context: EngineContext,
  leaving: readonly Session[],
  { end, isStuck, untilMs }: Dismissal,
): Promise<number> {
  const { clock, counters } = context;
  const { closeCode, closeText, wire, reconnect } = DROP_REASONS.server_restart;
  const frame = farewellFrame(wire, reconnect);
  for (const session of leaving) {
    if (frame !== null) context.send(session, frame);
    counters.disconnects.add(["server_restart"]);
    end(session);
  }
  let cut = 0;
  let waiting = leaving;
  for (;;) {
    waiting = waiting.filter((session) => {
      const { connection } = session;
      if (connection.getBufferedAmount() === 0) {
        connection.close(closeCode, closeText);
        return false;
      }
      if (!isStuck(session)) return true;
      connection.terminate();
      cut += 1;
      return false;
    });
    if (waiting.length === 0 || clock.monotonicMs() >= untilMs) break;
    await new Promise<void>((resolve) => clock.after(TICK_MS, resolve));
  }
  for (const { connection } of waiting) connection.close(closeCode, closeText);
  return cut + waiting.length;
}
