import type { Answer } from "../broker/answer.ts";
import type { Backlog, Position } from "../broker/history.ts";
import type { Group } from "../hub/hub.ts";
import { broadcastFrame, broadcastTail, confirmHistory, rejectHistory } from "../protocol/replies.ts";
import { CallScope } from "../rpc/backend.ts";
import { isClosed, type Session, type Subscription } from "../session/session.ts";
import { TICK_MS } from "../session/timer-wheel.ts";
import { CommandFailure, type EngineContext } from "./context.ts";
import { goLive, holdSubscription } from "./holding.ts";

/** Who asks, and about what. */
export interface Asked {
  readonly context: EngineContext;
  readonly session: Session;
  readonly identifier: string;
  readonly subscription: Subscription;
}

/** One of the streams. */
export interface Question {
  readonly group: Group;
  /** Where the client says that it is; null when it tells a time. */
  readonly from: Position | null;
  readonly backlog: Answer<Backlog>;
}

/**
 * Sends the messages, confirms, and lets the subscription go live; or rejects, where one of the streams cannot be told.
 * What is more than may wait for a client goes in pieces, as its socket takes them: sent at once it would end the connection
 * as that of a slow client, each time anew.
 */
export function tell(
  asked: Asked,
  questions: readonly Question[],
  backlogs: readonly Backlog[],
): void | Promise<void> {
  const { context, session } = asked;
  for (const backlog of backlogs) if (!backlog.kept) reject(asked, backlog.why);
  const told = new Map<Group, Position>();
  const frames: string[] = [];
  let length = 0;
  for (const [at, { group, from }] of questions.entries()) {
    const backlog = backlogs[at];
    if (backlog === undefined || !backlog.kept) continue;
    if (from !== null) told.set(group, from);
    const { epoch } = backlog;
    for (const { offset, message } of backlog.messages) {
      const position = { epoch, offset };
      const frame = broadcastFrame(group.head, message, null, broadcastTail(group.stream, position));
      frames.push(frame);
      length += frame.length;
      told.set(group, position);
    }
  }
  const { maxPendingBytes } = context;
  if (maxPendingBytes > 0 && length + session.connection.getBufferedAmount() > maxPendingBytes) {
    return tellInPieces(asked, frames, told);
  }
  for (const frame of frames) context.send(session, frame);
  finish(asked, frames.length, told);
}

/** Meanwhile the subscription is held, and the client's next command waits. */
async function tellInPieces(
  asked: Asked,
  frames: readonly string[],
  told: ReadonlyMap<Group, Position>,
): Promise<void> {
  const { context, session, subscription } = asked;
  const { clock, maxPendingBytes } = context;
  holdSubscription(context, session, subscription);
  session.scope = new CallScope();
  for (const frame of frames) {
    while (session.connection.getBufferedAmount() > maxPendingBytes / 2) {
      await new Promise<void>((resolve) => clock.after(TICK_MS, resolve));
      if (isClosed(session)) return;
    }
    context.send(session, frame);
  }
  session.scope = null;
  finish(asked, frames.length, told);
}

function finish(asked: Asked, messages: number, told: ReadonlyMap<Group, Position>): void {
  const { context, session, identifier, subscription } = asked;
  context.counters.historyMessages.value += messages;
  context.counters.historyRequests.add(["told"]);
  context.send(session, confirmHistory(identifier));
  goLive(context, session, subscription, told);
}

/** The subscription goes live all the same. */
export function reject({ context, session, identifier, subscription }: Asked, why: string): never {
  context.counters.historyRequests.add(["rejected"]);
  context.send(session, rejectHistory(identifier));
  goLive(context, session, subscription);
  throw new CommandFailure(why);
}
