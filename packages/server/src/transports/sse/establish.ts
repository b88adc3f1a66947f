import type { Engine } from "@hawser/core/engine/engine";
import type { Command } from "@hawser/core/protocol/command";
import { DROP_REASONS } from "@hawser/core/reasons";
import { isClosed, type Session } from "@hawser/core/session/session";
import type { SseConnection } from "./sse-connection.ts";

/**
 * What became of a request for a stream. `refused`: the client may not come in; `failed`: nobody could tell whether it
 * may; `rejected`: a subscription was not confirmed; `leaving`: the server goes down.
 */
export type Outcome = "established" | "refused" | "failed" | "rejected" | "leaving";

/**
 * Carries out the subscriptions of a request one after another, once its client was let in. A promise only while the
 * application is asked, or a client is told much. What the session is sent meanwhile waits in its connection; when that is
 * more than fits there the response has to begin, and what is left of the subscriptions follows within it.
 */
export function establish(
  engine: Engine,
  session: Session,
  connection: SseConnection,
  commands: readonly Command[],
): Outcome | Promise<Outcome> {
  let next = 0;
  const advance = (): Outcome | Promise<Outcome> => {
    for (;;) {
      if (isClosed(session)) return whyClosed(connection.closeCode, next > 0);
      const last = commands[next - 1];
      // What is still told of a long history goes in pieces, as the client takes them: so the response has to begin.
      if (next === commands.length && last !== undefined && isFollowing(session, last)) return "established";
      const { isFull } = connection;
      if (isFull && (session.subscriptions?.size ?? 0) > 0) {
        carryOn(engine, session, commands.slice(next));
        return "established";
      }
      const idle = engine.whenIdle(session);
      if (idle !== null) return (isFull ? idle : Promise.race([idle, connection.whenFull()])).then(advance);
      if (session.state !== "open") return "refused"; // it would have to say something first, and cannot
      if (last !== undefined && !isFollowing(session, last)) return "rejected";
      const command = commands[next];
      if (command === undefined) return "established";
      if (isFollowing(session, command)) return "rejected"; // a second one is never confirmed
      next += 1;
      engine.perform(session, command);
    }
  };
  return advance();
}

/** The same once the response has begun: the client reads what becomes of each. */
function carryOn(engine: Engine, session: Session, commands: readonly Command[]): void {
  for (const [at, command] of commands.entries()) {
    const idle = engine.whenIdle(session);
    if (idle !== null) return void idle.then(() => carryOn(engine, session, commands.slice(at)));
    if (isClosed(session)) return;
    engine.perform(session, command);
  }
}

function isFollowing(session: Session, { identifier }: Command): boolean {
  return session.subscriptions?.has(identifier) ?? false;
}

function whyClosed(closeCode: number, wasLetIn: boolean): Outcome {
  if (closeCode === DROP_REASONS.server_restart.closeCode) return "leaving";
  if (wasLetIn) return "rejected";
  return closeCode === DROP_REASONS.backend_failed.closeCode ? "failed" : "refused";
}
