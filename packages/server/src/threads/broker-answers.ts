import type { Answer } from "@hawser/core/broker/answer";
import type { Broker } from "@hawser/core/broker/broker";
import type { History, Position } from "@hawser/core/broker/history";
import type { Presence, PresenceEvent, PresenceOutcome } from "@hawser/core/broker/presence";
import type { SessionSnapshot, Sessions } from "@hawser/core/broker/sessions";
import type { Publication } from "@hawser/core/protocol/publication";

export interface BrokerAnswersParts {
  /** A session that is connected to some thread; null where it is to none. */
  readonly findConnected: (sid: string) => Answer<SessionSnapshot | null>;
  /** Tells the followers of a stream, here where their order is known; null leaves that to the thread that asked. */
  readonly tellPresence: ((stream: string, event: PresenceEvent) => void) | null;
}

type Given = readonly unknown[];

/** Answers one connection thread's questions, by the broker. */
export class BrokerAnswers {
  readonly #broker: Broker;
  readonly #parts: BrokerAnswersParts;
  /** Sessions of the thread that have joined: when it dies, nobody else says that they are gone. */
  readonly #present = new Set<string>();

  constructor(broker: Broker, parts: BrokerAnswersParts) {
    this.#broker = broker;
    this.#parts = parts;
  }

  /** `as` below: what a thread gives is what its side of the port was called with. */
  answer(about: string, given: Given): unknown {
    const { history, sessions, presence } = this.#broker;
    const answer =
      (history && ofHistory(history, about, given)) ??
      (sessions && this.#ofSessions(sessions, about, given)) ??
      (presence && this.#ofPresence(presence, about, given));
    if (!answer) throw new Error(`the broker is not asked ${about}`);
    return answer();
  }

  /** The thread is gone, and with it all of its sessions. */
  ended(): void {
    for (const sid of this.#present) {
      const lost = this.#broker.presence?.disconnected(sid);
      if (lost instanceof Promise) lost.catch(() => {}); // a store that is away finds out by itself
    }
  }

  #ofSessions(sessions: Sessions, about: string, given: Given): (() => unknown) | undefined {
    const sid = given[0] as string;
    const questions: Record<string, () => unknown> = {
      save: () => sessions.save(sid, given[1] as SessionSnapshot),
      find: () => this.#find(sessions, sid),
      renew: () => sessions.renew(sid),
      remove: () => sessions.remove(sid),
      removeOf: () => sessions.removeOf(sid, given[1] as string | undefined),
    };
    return questions[about];
  }

  /** What a thread saves as its client leaves comes before its word that it has no such client. */
  #find(sessions: Sessions, sid: string): Answer<SessionSnapshot | null> {
    const connected = this.#parts.findConnected(sid);
    if (connected instanceof Promise) return connected.then((found) => found ?? sessions.find(sid));
    return connected ?? sessions.find(sid);
  }

  #ofPresence(presence: Presence, about: string, given: Given): (() => unknown) | undefined {
    const [first, second, id, info] = given as [string, string, string, string | null];
    const questions: Record<string, () => unknown> = {
      join: () => {
        this.#present.add(second);
        return this.#told(first, presence.join(first, second, id, info));
      },
      leave: () => this.#told(first, presence.leave(first, second)),
      info: () => presence.info(first),
      resumed: () => {
        this.#present.add(second);
        return presence.resumed(first, second);
      },
      disconnected: () => {
        this.#present.delete(first);
        return presence.disconnected(first);
      },
    };
    return questions[about];
  }

  #told(stream: string, outcome: Answer<PresenceOutcome>): Answer<PresenceOutcome> {
    const { tellPresence } = this.#parts;
    if (tellPresence === null) return outcome;
    const tell = (settled: PresenceOutcome): PresenceOutcome => {
      if (!settled.done || settled.event === null) return settled;
      tellPresence(stream, settled.event);
      return { done: true, event: null };
    };
    return outcome instanceof Promise ? outcome.then(tell) : tell(outcome);
  }
}

function ofHistory(history: History, about: string, given: Given): (() => unknown) | undefined {
  const stream = given[0] as string;
  const questions: Record<string, () => unknown> = {
    append: () => history.append(stream, given[1] as string),
    publish: () => history.publish?.(given[0] as Publication),
    after: () => history.after(stream, given[1] as Position),
    since: () => history.since(stream, given[1] as number),
    head: () => history.head(stream),
  };
  return questions[about];
}
