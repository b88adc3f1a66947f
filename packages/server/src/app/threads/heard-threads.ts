import type { Engine } from "@hawser/core/engine/engine";
import { broadcastPresence } from "@hawser/core/engine/presence";
import type { MismatchWatch } from "@hawser/core/engine/secrets-mismatch";
import type { Log } from "@hawser/core/log";
import type { PublishedKeys } from "../../keys/jwks/published-keys.ts";
import { BrokerAnswers } from "../../threads/broker-answers.ts";
import type { ThreadFanOut } from "../../threads/fan-out.ts";
import { answerForwarded, type ForwardedRequest } from "../../threads/forwarded-requests.ts";
import { writeThreadLine } from "../../threads/thread-log.ts";
import type { SocketData } from "../../transports/websocket/websocket-transport.ts";
import type { PlacedRoute } from "../listeners.ts";
import type { QuestionWord, WordToControl } from "./notes.ts";
import type { RunningThread, ThreadHearer } from "./running-thread.ts";
import type { ThreadSet } from "./thread-set.ts";

/** What of the server the threads need once it is composed. */
export interface ThreadSurroundings {
  readonly engine: Engine;
  /** Null where no issuer publishes its keys. */
  readonly published: PublishedKeys | null;
  readonly mismatch: MismatchWatch;
  readonly routes: readonly PlacedRoute<SocketData>[];
  readonly onFault: (thrown: unknown) => void;
}

export interface HeardThreadsParts {
  readonly threads: ThreadSet;
  readonly fanOut: ThreadFanOut;
  readonly surroundings: ThreadSurroundings;
  readonly log: Log;
}

/** What the control thread does with what connection threads say by themselves. */
export class HeardThreads implements Omit<ThreadHearer, "ended"> {
  readonly #parts: HeardThreadsParts;

  constructor(parts: HeardThreadsParts) {
    this.#parts = parts;
  }

  said(
    { own }: RunningThread,
    word: Exclude<WordToControl, QuestionWord>,
    first: string,
    second: string,
  ): void {
    const { fanOut, log, surroundings } = this.#parts;
    if (word === "publish") fanOut.publish(first, second);
    else if (word === "command") fanOut.command(first);
    else if (word === "follow") fanOut.followedBy(own, first);
    else if (word === "unfollow") fanOut.unfollowedBy(own, first);
    else if (word === "forged") surroundings.mismatch.failed(first, JSON.parse(second));
    else if (word === "signed") surroundings.mismatch.passed(JSON.parse(first));
    else writeThreadLine(log, word, first, second);
  }

  asked({ answers }: RunningThread, about: string, given: readonly unknown[]): unknown {
    const { fanOut, surroundings } = this.#parts;
    const [first, second] = given;
    if (about === "missing") return surroundings.published?.whenMissing(String(first), String(second));
    if (about === "following") return fanOut.following(String(first));
    return answers?.answer(about, given);
  }

  requested(thread: RunningThread, request: ForwardedRequest): void {
    const { routes, onFault } = this.#parts.surroundings;
    const known = routes.map(({ route }) => route);
    void answerForwarded(known, request, onFault).then((answer) => thread.tell({ kind: "answer", answer }));
  }

  /** What answers a thread's questions to the broker; null without one. */
  brokerAnswersFor(own: number): BrokerAnswers | null {
    const { threads, surroundings } = this.#parts;
    const { engine } = surroundings;
    if (engine.broker === null) return null;
    return new BrokerAnswers(engine.broker, {
      findConnected: (sid) => threads.findConnected(sid, own),
      // In the order in which it became so: two threads would tell it in any.
      tellPresence: (stream, event) => broadcastPresence(engine, stream, event),
    });
  }
}
