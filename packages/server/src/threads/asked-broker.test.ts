import { describe, expect, test } from "bun:test";
import { MessageChannel } from "node:worker_threads";
import type { Broker } from "@hawser/core/broker/broker";
import { historyContract } from "@hawser/core/broker/history.contract";
import { MemoryHistory } from "@hawser/core/broker/memory-history";
import { MemoryPresence } from "@hawser/core/broker/memory-presence";
import { MemorySessions } from "@hawser/core/broker/memory-sessions";
import { presenceContract } from "@hawser/core/broker/presence.contract";
import { CONTRACT_TTL_MS, sessionsContract } from "@hawser/core/broker/sessions.contract";
import type { Publication } from "@hawser/core/protocol/publication";
import { ManualClock } from "@hawser/core/testing/manual-clock";
import { SeededRandom } from "@hawser/core/testing/seeded-random";
import { atEndOfTurn, type ThreadPort } from "../drivers/threads.ts";
import { askedBroker, keptBy } from "./asked-broker.ts";
import { BrokerAnswers } from "./broker-answers.ts";
import { answerQuestion, Questions } from "./questions.ts";
import { hearLine, ThreadLine } from "./thread-line.ts";

/** The memory broker, asked by way of a real channel between threads, both of whose ends are here. */

type Channel = MessageChannel;
type Word = "ask" | "answer" | "fault";

function asked(broker: Broker): { readonly broker: Broker; readonly close: () => void } {
  const { port1, port2 } = new MessageChannel();
  const asker = new ThreadLine<Word, object>({ port: portOf(port1), atEndOfTurn });
  const answerer = new ThreadLine<Word, object>({ port: portOf(port2), atEndOfTurn });
  const questions = new Questions((word, first, second) => asker.say(word, first, second));
  const answers = new BrokerAnswers(broker, { findConnected: () => null, tellPresence: null });
  hearLine<Word, object>(
    portOf(port2),
    (_ask, first, second) =>
      answerQuestion(
        first,
        second,
        (about, given) => answers.answer(about, given),
        (word, id, json) => answerer.say(word, id, json),
      ),
    () => {},
  );
  hearLine<Word, object>(
    portOf(port1),
    (word, id, text) => (word === "answer" ? questions.answered(id, text) : questions.failed(id, text)),
    () => {},
  );
  return {
    broker: askedBroker((about, given) => questions.ask(about, given), keptBy(broker)),
    close() {
      port1.close();
      port2.close();
    },
  };
}

function portOf(port: Channel["port1"]): ThreadPort {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (hear) => {
      port.on("message", hear);
    },
  };
}

const NONE = { history: null, sessions: null, presence: null, close() {} };

function part<T>(found: T | null): T {
  if (found === null) throw new Error("the broker lacks a part");
  return found;
}

historyContract("the broker of another thread", { ttlMs: 60_000 }, (settings) => {
  const clock = new ManualClock();
  const memory = new MemoryHistory(settings, clock, new SeededRandom(1));
  const { broker, close } = asked({ ...NONE, history: memory });
  // How much is kept the control thread says for all.
  const history = Object.assign(part(broker.history), { size: () => memory.size() });
  return {
    history,
    nowMs: () => clock.nowMs(),
    pass: (ms) => clock.advance(ms),
    stop() {
      memory.close();
      close();
    },
  };
});

sessionsContract("the broker of another thread", () => {
  const clock = new ManualClock();
  const memory = new MemorySessions({ clock, ttlMs: CONTRACT_TTL_MS });
  const { broker, close } = asked({ ...NONE, sessions: memory });
  // What every thread is told the control thread does for all.
  const removeWhere: MemorySessions["removeWhere"] = (matches) => memory.removeWhere(matches);
  return {
    sessions: Object.assign(part(broker.sessions), { removeWhere }),
    pass: (ms) => clock.advance(ms),
    close() {
      memory.close();
      close();
    },
  };
});

presenceContract("the broker of another thread", () => {
  const clock = new ManualClock();
  const ttlMs = 5_000;
  const memory = new MemoryPresence(clock, ttlMs);
  const { broker, close } = asked({ ...NONE, presence: memory });
  const presence = Object.assign(part(broker.presence), {
    size: () => memory.size(),
    onExpired: (listener: Parameters<MemoryPresence["onExpired"]>[0]) => memory.onExpired(listener),
  });
  return {
    presence,
    ttlMs,
    pass: (ms) => clock.advance(ms),
    stop() {
      memory.close();
      close();
    },
  };
});

describe("a broker of another thread that other servers share", () => {
  test("is known as such, and hands publications on by that thread", async () => {
    const clock = new ManualClock();
    const published: Publication[] = [];
    const history = Object.assign(new MemoryHistory({ limit: 1, ttlMs: 1000 }, clock, new SeededRandom(1)), {
      publish: async (publication: Publication) => {
        if (publication.message === "bad") throw new Error("no room");
        published.push(publication);
      },
    });
    const sessions = Object.assign(new MemorySessions({ clock, ttlMs: 1000 }), { isShared: true });
    const shared = asked({ ...NONE, history, sessions });
    expect(part(shared.broker.sessions).isShared).toBe(true);
    const { publish } = part(shared.broker.history);
    const publication = {
      ...{ stream: "chat", message: "1", transient: false },
      ...{ excludeSid: "s1", broadcastType: null, position: null },
    };
    expect(await publish?.(publication)).toBeUndefined();
    expect(published).toEqual([publication]);
    const failed = publish?.({ ...publication, message: "bad" }).catch((fault: Error) => fault.message);
    expect(await failed).toBe("no room");
    shared.close();

    const own = asked({
      ...NONE,
      history: new MemoryHistory({ limit: 1, ttlMs: 1000 }, clock, new SeededRandom(1)),
    });
    expect(part(own.broker.history).publish).toBeNull();
    own.close();
  });
});
