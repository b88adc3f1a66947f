import type { Answer } from "../broker/answer.ts";
import type { Presence, PresenceEvent, PresenceOutcome } from "../broker/presence.ts";
import { messageOf } from "../errors.ts";
import { PRESENCE_STREAM } from "../protocol/channel-state.ts";
import { presenceJoin, presenceLeave } from "../protocol/presence-texts.ts";
import type { StateMap } from "../rpc/backend.ts";
import { isClosed, type Session, type Subscription } from "../session/session.ts";
import { distribute } from "./broadcast.ts";
import { CommandFailure, type EngineContext, quoted } from "./context.ts";

/** What is to become of a session on the presence stream of one of its channels. */
export interface PresenceChange {
  /** `join` or `leave`. */
  readonly type: string;
  readonly id: string;
  /** JSON text; null for none. */
  readonly info: string | null;
}

/**
 * Puts the session on the presence stream of its channel or takes it off, and tells those who follow the stream when that
 * changes something for them (anycable node/node.go@1.6.16, handlePresenceReply).
 *
 * @throws CommandFailure
 */
export function changePresence(
  context: EngineContext,
  session: Session,
  identifier: string,
  { istate }: Subscription,
  { type, id, info }: PresenceChange,
): Answer<void> {
  const stream = presenceStream(identifier, istate);
  if (type !== "join" && type !== "leave")
    throw new CommandFailure(`unknown presence event: ${quoted(type)}`);
  const presence = presenceOf(context);
  const outcome =
    type === "join" ? presence.join(stream, session.sid, id, info) : presence.leave(stream, session.sid);
  if (outcome instanceof Promise) return outcome.then((settled) => tell(context, stream, settled));
  tell(context, stream, outcome);
}

/** The same where it goes with another command, which does not fail with it and does not wait for it. */
export function changePresenceToo(
  context: EngineContext,
  session: Session,
  identifier: string,
  subscription: Subscription,
  change: () => PresenceChange,
): void {
  const fail = (thrown: unknown) => {
    context.sampled("warn", "presence", "failed to process presence", {
      sid: session.sid,
      identifier: quoted(identifier),
      error: messageOf(thrown),
    });
  };
  try {
    const pending = changePresence(context, session, identifier, subscription, change());
    if (pending instanceof Promise) pending.catch(fail);
  } catch (thrown) {
    if (!(thrown instanceof CommandFailure)) throw thrown;
    fail(thrown);
  }
}

/** The subscription is over, and with it presence on its stream; most who subscribe never joined. */
export function endPresence(context: EngineContext, session: Session, { istate }: Subscription): void {
  const presence = context.broker?.presence ?? null;
  const stream = istate[PRESENCE_STREAM];
  if (presence === null || stream === undefined) return;
  const left = (outcome: PresenceOutcome) => {
    if (outcome.done) tell(context, stream, outcome);
  };
  const outcome = presence.leave(stream, session.sid);
  if (!(outcome instanceof Promise)) left(outcome);
  else outcome.then(left).catch((fault: unknown) => report(context, session, fault));
}

/** The client goes on under another session, and is present as before. */
export function carryPresence(context: EngineContext, formerSid: string, session: Session): void {
  if (isClosed(session)) return;
  const carried = context.broker?.presence?.resumed(formerSid, session.sid);
  if (carried instanceof Promise) carried.catch((fault: unknown) => report(context, session, fault));
}

/** The session's connection is gone: it is present for a while yet. */
export function losePresence(context: EngineContext, session: Session): void {
  const lost = context.broker?.presence?.disconnected(session.sid);
  if (lost instanceof Promise) lost.catch((fault: unknown) => report(context, session, fault));
}

/** Tells everyone who follows the stream. It is no publication: nobody reads it again from the history. */
export function broadcastPresence(context: EngineContext, stream: string, event: PresenceEvent): void {
  const message = event.type === "join" ? presenceJoin(event.id, event.info) : presenceLeave(event.id);
  const broadcastType = "presence";
  const told = { stream, message, excludeSid: null, broadcastType, transient: true, position: null };
  void distribute(context, told); // what is transient never fails
}

/** The stream that a channel's presence is about. */
export function presenceStream(identifier: string, istate: StateMap): string {
  const stream = istate[PRESENCE_STREAM];
  if (stream === undefined || stream === "") {
    throw new CommandFailure(`presence stream not found for identifier: ${identifier}`);
  }
  return stream;
}

export function presenceOf({ broker }: EngineContext): Presence {
  const presence = broker?.presence ?? null;
  if (presence === null) throw new CommandFailure("presence not supported (no broker is configured)");
  return presence;
}

function tell(context: EngineContext, stream: string, outcome: PresenceOutcome): void {
  if (!outcome.done) throw new CommandFailure(outcome.why);
  if (outcome.event !== null) broadcastPresence(context, stream, outcome.event);
}

function report(context: EngineContext, session: Session, fault: unknown): void {
  context.sampled("error", "presence", "failed to keep presence", {
    sid: session.sid,
    error: messageOf(fault),
  });
}
