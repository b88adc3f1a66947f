import type { Backlog, History, Position } from "../../broker/history.ts";
import { messageOf } from "../../errors.ts";
import type { Command, HistoryRequest } from "../../protocol/command.ts";
import { CallScope } from "../../rpc/backend.ts";
import { isClosed, type Session, type Subscription } from "../../session/session.ts";
import { CommandFailure, type EngineContext } from "../context.ts";
import { whenFollowed } from "../following.ts";
import { goLive, holdSubscription } from "../holding.ts";
import { type Asked, type Question, reject, tell } from "../tell-history.ts";

/**
 * Sends what was published to a subscription's streams since the client was here, then confirms; where that cannot be
 * told of one of them, nothing but a rejection (anycable node/node.go@1.6.16, History). A subscription that was held
 * until now goes live behind it. It is a promise only while a history that takes a while is being
 * asked, or a client that takes a while is being told.
 */
export function history(context: EngineContext, session: Session, command: Command): void | Promise<void> {
  const { identifier, history: request } = command;
  const subscription = session.subscriptions?.get(identifier);
  if (subscription === undefined) throw new CommandFailure(`unknown subscription ${identifier}`);
  if (request === null || (request.since === 0 && request.streams === null)) {
    goLive(context, session, subscription); // it asks for nothing, so there is nothing to wait for
    throw new CommandFailure("history request is missing");
  }
  if (subscription.unconfirmed) subscription.asked = true;
  const asked: Asked = { context, session, identifier, subscription };
  const wanted = wantedOf(request, subscription);
  const kept = context.broker?.history ?? null;
  if (kept === null) {
    if (wanted.length > 0) reject(asked, "history not supported (no broker is configured)");
    return tell(asked, [], []);
  }
  // What goes by way of other nodes may be in history and still come from there.
  if (context.pubSub !== null) holdSubscription(context, session, subscription);
  const followed = whenFollowed(context, wanted);
  return followed === null ? ask(asked, kept, wanted) : askWhen(followed, asked, kept, wanted);
}

/** What of a stream the client wants to know. */
type Wanted = Omit<Question, "backlog"> & { readonly since: number };

function wantedOf(request: HistoryRequest, { groups }: Subscription): readonly Wanted[] {
  const wanted: Wanted[] = [];
  for (const group of groups) {
    const from = positionIn(request, group.stream);
    if (from !== null || request.since > 0) wanted.push({ group, from, since: request.since });
  }
  return wanted;
}

function positionIn({ streams }: HistoryRequest, stream: string): Position | null {
  if (streams === null || !Object.hasOwn(streams, stream)) return null;
  const { epoch, offset } = (streams[stream] ?? {}) as Partial<Position>; // the decoder has checked it
  return { epoch: epoch ?? "", offset: offset ?? 0 };
}

function ask(asked: Asked, kept: History, wanted: readonly Wanted[]): void | Promise<void> {
  const questions: Question[] = [];
  for (const { group, from, since } of wanted) {
    const { stream } = group;
    const backlog = from === null ? kept.since(stream, since) : kept.after(stream, from);
    questions.push({ group, from, backlog });
  }
  const backlogs: Backlog[] = [];
  for (const { backlog } of questions) {
    if (backlog instanceof Promise) return tellLater(asked, questions);
    backlogs.push(backlog);
  }
  return tell(asked, questions, backlogs);
}

/** Meanwhile the client's next command waits. */
async function askWhen(
  followed: Promise<void>,
  asked: Asked,
  kept: History,
  wanted: readonly Wanted[],
): Promise<void> {
  const { session } = asked;
  session.scope = new CallScope();
  await followed;
  session.scope = null;
  if (!isClosed(session)) return ask(asked, kept, wanted);
}

/** Meanwhile the subscription is held, and the client's next command waits. */
function tellLater(asked: Asked, questions: readonly Question[]): Promise<void> {
  const { context, session, subscription } = asked;
  holdSubscription(context, session, subscription);
  session.scope = new CallScope();
  return answersTo(context, questions).then(
    (backlogs) => {
      session.scope = null;
      return isClosed(session) ? undefined : tell(asked, questions, backlogs);
    },
    (thrown: unknown) => {
      session.scope = null;
      if (!isClosed(session)) reject(asked, messageOf(thrown));
    },
  );
}

async function answersTo(context: EngineContext, questions: readonly Question[]): Promise<Backlog[]> {
  const backlogs = await Promise.all(questions.map(({ backlog }) => backlog));
  // What history has told may not have come by here yet, and would come again once the subscription is live.
  await Promise.all(questions.map(({ group }) => context.appends?.settled(group.stream)));
  return backlogs;
}
