import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { systemClock } from "../../drivers/clock.ts";
import type { Listener } from "../../drivers/http.ts";
import { exit, onUncaught } from "../../drivers/process.ts";
import { textHash } from "../../drivers/text-hash.ts";
import { atEndOfTurn, startingThread } from "../../drivers/threads.ts";
import { askedBroker } from "../../threads/asked-broker.ts";
import { AskedKeys } from "../../threads/asked-keys.ts";
import { ControlLink } from "../../threads/control-link.ts";
import { RequestForwarder } from "../../threads/forwarded-requests.ts";
import { answerQuestion, Questions } from "../../threads/questions.ts";
import { SharedFailedAuths } from "../../threads/shared-failed-auths.ts";
import { SharedRoom } from "../../threads/shared-room.ts";
import { hearLine, ThreadLine } from "../../threads/thread-line.ts";
import { createThreadLog } from "../../threads/thread-log.ts";
import { ToldMismatch } from "../../threads/told-mismatch.ts";
import { type Composition, compose } from "../compose.ts";
import { openListeners } from "../listeners.ts";
import { publishersOf } from "../server-keys.ts";
import { sleep } from "../wait.ts";
import type {
  AboutThread,
  KeysGiven,
  NoteToControl,
  NoteToThread,
  ThreadStart,
  WordToControl,
  WordToThread,
} from "./notes.ts";
import { threadConfig } from "./thread-config.ts";
import { measuresOf } from "./thread-metrics.ts";

type Line = ThreadLine<WordToControl, NoteToControl>;

/** How long close frames may take to leave once nothing else holds the thread. */
const LAST_BYTES_MS = 500;
/** For what the control thread says for all. */
const QUIET: Log = createThreadLog(() => {}, "error");
/** How soon the others know of sessions that have ended. */
const COUNT_MS = 50;

/** The program of a connection thread: it waits for its start, and then does what the control thread says. */
export function runConnectionThread(): void {
  const port = startingThread();
  const line: Line = new ThreadLine({ port, atEndOfTurn });
  let serving: Serving | null = null;
  hearLine<WordToThread, NoteToThread>(
    port,
    (word, first, second) => {
      if (serving !== null) hear(serving, word, first, second, line);
    },
    (note) => {
      if (note.kind === "start") serving = serveOrEnd(note, line);
      else if (serving !== null) obey(serving, note, line);
    },
  );
}

interface Serving {
  readonly composition: Composition;
  readonly mismatch: ToldMismatch;
  readonly forwarder: RequestForwarder;
  /** To the control thread, which has the broker. */
  readonly questions: Questions;
  readonly threads: number;
  /** The last that control gave; files are read there alone. */
  readonly keys: { given: KeysGiven };
  listener: Listener | null;
  readonly stopCounting: () => void;
}

/** A thread lives on after what it throws, and one that cannot serve must not: the control thread waits for it. */
function serveOrEnd(start: ThreadStart, line: Line): Serving | null {
  try {
    return serve(start, line);
  } catch (thrown) {
    line.send({ kind: "failed", why: messageOf(thrown) });
    exit(1);
    return null;
  }
}

function serve(start: ThreadStart, line: Line): Serving {
  const config = threadConfig(start.keys[0].config, start.threads);
  const log: Log = createThreadLog(
    (level, message, fields) => line.say(level, message, fields),
    config.log.level,
  );
  onUncaught((thrown) => log.error("a bug: nothing handled this fault", { error: messageOf(thrown) }));
  const [first, ...later] = start.keys;
  const keys = { given: first };
  // Keys are taken over as of when the control thread took them, so that what they replaced ends when it does there.
  let takingMs: number | null = first.takenMs;
  const keyClock = { ...systemClock, nowMs: () => takingMs ?? systemClock.nowMs() };
  const issuers = publishersOf(config).flatMap(({ issuer }) => issuer ?? []);
  const room = new SharedRoom(start.room, start.own);
  const questions = new Questions((word, first, second) => line.say(word, first, second));
  const forwarder = new RequestForwarder((request) => line.send({ kind: "request", request }));
  const mismatch = new ToldMismatch((word, first, second) => line.say(word, first, second));
  const composition = compose(
    config,
    log,
    () => ({ ok: true, config: threadConfig(keys.given.config, start.threads) }),
    {
      kind: "connections",
      published:
        issuers.length === 0 ? null : new AskedKeys((about, given) => questions.ask(about, given), issuers),
      broker: start.kept && askedBroker((about, given) => questions.ask(about, given), start.kept),
      nodes: new ControlLink(
        (word, first, second) => line.say(word, first, second),
        start.hasOthers ? (about, given) => questions.ask(about, given) : null,
      ),
      mismatch,
      failedAuths: (maxPerMinute) =>
        new SharedFailedAuths({ ...start.failedAuths, clock: systemClock, hash: textHash, maxPerMinute }),
      isFull: (sessions, limit) => !room.hasRoom(sessions, limit),
      // What is wrong with keys the control thread has said already.
      keys: {
        readFile: (path) => textOf(keys.given, path),
        clock: keyClock,
        log: QUIET,
      },
    },
  );
  for (const given of later) {
    keys.given = given;
    takingMs = given.takenMs;
    composition.keys.follow(threadConfig(given.config, start.threads));
  }
  takingMs = null;
  for (const [issuer, text] of start.published) composition.keys.published?.take(issuer, text);
  composition.engine.revocations.inForce.add(start.revocations, systemClock.nowMs());
  composition.stage.now = start.stage;
  let backendAnswered = composition.remote === null;
  const count = () => {
    room.update(composition.engine.sessions.size);
    mismatch.tell();
    if (backendAnswered || !composition.remote?.hasAnswered()) return;
    backendAnswered = true;
    line.send({ kind: "backend answered" });
  };
  const stopCounting = systemClock.every(COUNT_MS, count);
  const serving: Serving = {
    composition,
    mismatch,
    forwarder,
    questions,
    keys,
    listener: null,
    stopCounting,
    threads: start.threads,
  };
  void openPort(serving, start, log).then(
    (port) => line.send({ kind: "listening", port }),
    (thrown: unknown) => {
      line.send({ kind: "failed", why: messageOf(thrown) });
      exit(1);
    },
  );
  return serving;
}

async function openPort(
  serving: Serving,
  { keys, port, tls, forwarded }: ThreadStart,
  log: Log,
): Promise<number> {
  const { composition, forwarder } = serving;
  const { host } = keys[0].config.server;
  const [first] = composition.routes;
  if (first === undefined) throw new Error("a connection thread needs a route");
  const placed = composition.routes.map((route) => ({ ...route, port }));
  // First, for the patterns of the WebSocket route may take in its paths.
  placed.unshift({ ...first, port, route: forwarder.route(forwarded) });
  const onFault = (thrown: unknown) => log.error("a request met a bug", { error: messageOf(thrown) });
  const listeners = await openListeners(placed, tls, onFault, true);
  const listener = listeners.get(`${host}:${port}`);
  if (listener === undefined) throw new Error("the main listener was not opened");
  serving.listener = listener;
  composition.topics.target = listener;
  composition.remote?.start();
  return listener.port;
}

function hear(serving: Serving, word: WordToThread, first: string, second: string, line: Line): void {
  const { questions, composition } = serving;
  if (word === "deliver") composition.engine.deliver(first, second === "" ? null : second);
  else if (word === "parted") composition.engine.parted();
  else if (word === "rejoined") composition.engine.rejoined();
  else if (word === "differ" || word === "agree") serving.mismatch.isRaised = word === "differ";
  else if (word === "answer") questions.answered(first, second);
  else if (word === "fault") questions.failed(first, second);
  else {
    const answerOf = (about: string, given: readonly unknown[]) =>
      answerAbout(serving, about as AboutThread, given); // what the control thread asks
    answerQuestion(first, second, answerOf, (said, id, json) => line.say(said, id, json));
  }
}

function answerAbout(serving: Serving, about: AboutThread, [given]: readonly unknown[]): unknown {
  const { engine } = serving.composition;
  switch (about) {
    case "here":
      return true;
    case "clients":
      return engine.sessions.size;
    case "revoked":
      return engine.counters.disconnects.cell(["revoked"]).value;
    case "connected":
      return engine.connectedSnapshot(String(given));
    case "drain":
      return drain(serving, Number(given));
  }
}

function obey(serving: Serving, note: Exclude<NoteToThread, ThreadStart>, line: Line): void {
  const { composition, keys, forwarder } = serving;
  switch (note.kind) {
    case "keys":
      keys.given = note.keys;
      composition.keys.follow(threadConfig(note.keys.config, serving.threads));
      return;
    case "stage":
      composition.stage.now = note.stage;
      return;
    case "answer":
      forwarder.answered(note.answer);
      return;
    case "published":
      composition.keys.published?.take(note.issuer, note.text);
      return;
    case "take over":
      composition.engine.takeOver(note.revocations);
      return;
    case "certificate":
      serving.listener?.replaceTls(note.tls);
      return;
    case "measure":
      composition.refreshGauges();
      line.send({ kind: "measures", measures: measuresOf(composition.metrics, composition.engine) });
  }
}

/** @returns how many clients may not have heard it. */
async function drain({ composition, listener, stopCounting }: Serving, timeoutMs: number): Promise<number> {
  const untilMs = systemClock.monotonicMs() + timeoutMs;
  const remainingMs = () => Math.max(0, untilMs - systemClock.monotonicMs());
  composition.stage.now = "draining";
  const drained = listener?.stopAccepting();
  // How many are told, and how many have heard it, the control thread says of all threads together.
  const unheard = await composition.engine.shutdown(remainingMs(), QUIET);
  await Promise.race([drained, sleep(Math.min(remainingMs(), LAST_BYTES_MS))]);
  await composition.remote?.close(remainingMs());
  stopCounting();
  composition.closeSampler();
  await listener?.closeNow();
  return unheard;
}

function textOf({ texts }: KeysGiven, path: string): string {
  const text = texts.get(path);
  if (text === undefined) throw new Error(`the control thread has not read ${path}`);
  return text;
}
