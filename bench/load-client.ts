import { compile } from "./compile.ts";
import { startTalker } from "./spawn.ts";

/** How long a client waited, in milliseconds. */
interface Delays {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export interface ConnectAnswer extends Delays {
  readonly welcomed: number;
  readonly refused: number;
  readonly lost: number;
  readonly seconds: number;
}

export interface AgainAnswer {
  readonly welcomed: number;
  /** Of these, who has its session back; and how many channels' history was confirmed. */
  readonly restored: number;
  readonly told: number;
  readonly refused: number;
  readonly lost: number;
  readonly seconds: number;
}

export interface StormAnswer extends Delays {
  /** Clients that are subscribed again. */
  readonly back: number;
  /** Tries that were answered no; and tries that got no answer, or were cut. */
  readonly refused: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p95_ms: number;
}

export interface SubscribeAnswer {
  readonly confirmed: number;
  readonly refused: number;
  readonly lost: number;
  readonly seconds: number;
}

export interface BroadcastAnswer extends Delays {
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly seconds: number;
}

/** The thousands of clients of `clients/load.c`, at the other end of a pipe. */
export interface LoadClient {
  readonly pid: number;
  /** Opens that many connections, at most `window` under way at a time, and waits for each one's welcome. */
  connect(count: number, window: number): Promise<ConnectAnswer>;
  /**
   * Resets every connection and connects all again, at most `window` under way at a time. To resume each asks for its
   * session, and then for the history of each channel; waits for all answers.
   */
  again(window: number, resume: boolean): Promise<AgainAnswer>;
  /**
   * Waits until every client has lost its connection and is subscribed again, each trying with the pauses of AnyCable's
   * client. With `cut` it resets them itself, and all try in that moment; else the server is to end them.
   */
  storm(cut: boolean, patienceSeconds: number): Promise<StormAnswer>;
  /** Subscribes every connection to the one stream of the bench, or each under its own identifier. */
  subscribe(): Promise<SubscribeAnswer>;
  /** Publishes over HTTP: so many a second, or two in flight when the rate is 0; waits until all have arrived. */
  broadcast(count: number, perSecond: number): Promise<BroadcastAnswer>;
  /** Has clients in turn whisper, so many a second; waits until all others have heard all of it. */
  whisper(count: number, perSecond: number): Promise<BroadcastAnswer>;
  /** Subscribes to streams `from` to `to - 1` of many, each by one connection. */
  spread(from: number, to: number): Promise<SubscribeAnswer>;
  /** Publishes each message to another of the first `streams` of these; waits until all have arrived. */
  scatter(count: number, perSecond: number, streams: number): Promise<BroadcastAnswer>;
  stop(): Promise<void>;
}

export interface LoadOptions {
  /** Of several, clients are spread over them in turn. */
  readonly port: number | readonly number[];
  readonly broadcastPort: number;
  /** A file of tokens, one a line; connection i sends token i as `?jid=`. */
  readonly tokens?: string;
  /** A file of identifiers as JSON strings, one a line; connection i subscribes under identifier i. */
  readonly identifiers?: string;
  /** Bytes of padding in each message. */
  readonly payloadBytes?: number;
  /** The sub-protocol; Action Cable's own unless given. */
  readonly protocol?: string;
}

/** Starts the load client. Its answers are trusted to have the shape that load.c prints: both are this project's. */
export function startLoadClient(options: LoadOptions): LoadClient {
  const command = [
    compile("clients/load.c"),
    "--port",
    [options.port].flat().join(","),
    "--broadcast-port",
    `${options.broadcastPort}`,
  ];
  if (options.tokens) command.push("--tokens", options.tokens);
  if (options.identifiers) command.push("--identifiers", options.identifiers);
  if (options.payloadBytes !== undefined) command.push("--payload", `${options.payloadBytes}`);
  if (options.protocol) command.push("--protocol", options.protocol);
  const talker = startTalker("the load client", command);
  const ask = async <Answer>(line: string): Promise<Answer> => {
    await talker.say(line);
    return JSON.parse(await talker.hear());
  };
  return {
    pid: talker.pid,
    connect: (count, window) => ask<ConnectAnswer>(`connect ${count} ${window}`),
    again: (window, resume) => ask<AgainAnswer>(`again ${window} ${resume ? 1 : 0}`),
    storm: (cut, patienceSeconds) => ask<StormAnswer>(`storm ${cut ? 1 : 0} ${patienceSeconds}`),
    subscribe: () => ask<SubscribeAnswer>("subscribe"),
    broadcast: (count, perSecond) => ask<BroadcastAnswer>(`broadcast ${count} ${perSecond}`),
    whisper: (count, perSecond) => ask<BroadcastAnswer>(`whisper ${count} ${perSecond}`),
    spread: (from, to) => ask<SubscribeAnswer>(`spread ${from} ${to}`),
    scatter: (count, perSecond, streams) => ask<BroadcastAnswer>(`scatter ${count} ${perSecond} ${streams}`),
    stop: () => talker.stop(),
  };
}
