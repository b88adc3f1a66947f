import type { Cancel, Clock } from "../clock.ts";
import { CableError, messageOf } from "../errors.ts";
import { Hub } from "../hub/hub.ts";
import { LIMITS } from "../limits.ts";
import type { Log, LogFields, LogLevel } from "../log.ts";
import type { Metrics } from "../metrics/registry.ts";
import { type Command, decodeCommand } from "../protocol/command.ts";
import { PONG } from "../protocol/replies.ts";
import type { Random } from "../random.ts";
import { DROP_REASONS, type DropReason, type Farewell } from "../reasons.ts";
import type { Router } from "../router/router.ts";
import type { Backend } from "../rpc/backend.ts";
import type { Topics } from "../session/connection.ts";
import { Heartbeat } from "../session/heartbeat.ts";
import { isClosed, Session, type SessionOpening } from "../session/session.ts";
import { TICK_MS } from "../session/timer-wheel.ts";
import type { AdmissionPolicy, Credentials } from "./admission.ts";
import { admit, farewellFrame } from "./admit.ts";
import { history } from "./commands/history.ts";
import { message } from "./commands/message.ts";
import { presence } from "./commands/presence.ts";
import { subscribe } from "./commands/subscribe.ts";
import { unsubscribe } from "./commands/unsubscribe.ts";
import { CommandFailure, type DisconnectInterest, type EngineContext } from "./context.ts";
import { type EngineCounters, engineCounters } from "./counters.ts";
import { DisconnectQueue } from "./disconnect-queue.ts";
import { type PublishResult, publish } from "./publish.ts";
import { SlowClients } from "./slow-clients.ts";

export interface EngineOptions {
  readonly admission: AdmissionPolicy;
  /** When the application hears of a session's end (anycable `--disconnect_mode`). */
  readonly disconnectMode: "auto" | "always" | "never";
  readonly disconnectRatePerS: number;
  readonly disconnectBacklog: number;
  /** Commands that may wait while one is being carried out. */
  readonly maxPendingCommands: number;
  /** Bytes that may wait for a client before it is dropped as too slow; 0 for no limit. */
  readonly maxPendingBytes: number;
  /** How long a client's socket may take nothing while something waits; 0 for ever. */
  readonly writeTimeoutMs: number;
  readonly nativePings: boolean;
  /** Whether frames are to be compressed for clients that can. */
  readonly compress: boolean;
}

/** Everything of the outside world that the engine uses. */
export interface EngineParts {
  readonly backend: Backend;
  readonly router: Router;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** For lines that clients can cause at will. */
  readonly sampled: (level: LogLevel, kind: string, message: string, fields: LogFields) => void;
}

/**
 * The server without its sockets: connections come in by `open`, frames by `receive`, publications by `publish`.
 * A session's commands are carried out one at a time and in order; nothing is awaited unless the application is asked.
 */
export class Engine implements EngineContext {
  readonly backend: Backend;
  readonly router: Router;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: EngineCounters;
  readonly admission: AdmissionPolicy;
  readonly sessions = new Map<string, Session>();
  readonly sampled: EngineContext["sampled"];
  readonly #options: EngineOptions;
  readonly #heartbeat: Heartbeat;
  readonly #slowClients: SlowClients;
  readonly #disconnects: DisconnectQueue;
  readonly #stopTicking: Cancel;

  constructor(options: EngineOptions, parts: EngineParts) {
    const { backend, clock, log, random, topics } = parts;
    this.backend = backend;
    this.router = parts.router;
    this.clock = clock;
    this.log = log;
    this.sampled = parts.sampled;
    this.admission = options.admission;
    this.#options = options;
    this.counters = engineCounters(parts.metrics);
    this.hub = new Hub((topic, frame) => topics.publish(topic, frame, options.compress));
    this.#heartbeat = new Heartbeat({
      clock,
      random,
      nativePings: options.nativePings,
      sendPing: (session, frame) => this.#sendPing(session, frame),
      onNoPong: (session) => {
        log.warn("disconnecting session due to no pongs", { sid: session.sid });
        this.drop(session, "no_pong");
      },
    });
    this.#slowClients = new SlowClients(this, options.maxPendingBytes, options.writeTimeoutMs);
    this.#disconnects = new DisconnectQueue({
      backend,
      clock,
      log,
      ratePerS: options.disconnectRatePerS,
      backlog: options.disconnectBacklog,
    });
    this.#stopTicking = clock.every(TICK_MS, () => this.#tick());
  }

  /** Takes a new connection in; its client is welcomed, refused, or kept waiting for the application. */
  open(opening: SessionOpening, credentials: Credentials): Session {
    const session = new Session(opening);
    this.sessions.set(session.sid, session);
    this.#heartbeat.start(session);
    try {
      admit(this, session, credentials);
    } catch (thrown) {
      const fields = { sid: session.sid, code: "bug", error: messageOf(thrown) };
      this.sampled("error", "bug", "WebSocket session failed", fields);
      this.drop(session, "internal_error");
    }
    return session;
  }

  /** Takes a frame from the client. */
  receive(session: Session, text: string, bytes: number): void {
    if (isClosed(session)) return;
    this.counters.bytesReceived.value += bytes;
    const command = decodeCommand(text);
    if (command === "ignored") return;
    if (command === "malformed") {
      this.#countBadFrame(session);
      return;
    }
    this.counters.clientMessages.value += 1;
    this.#heartbeat.onCommand(session);
    if (session.scope === null) this.#run(session, command);
    else this.#enqueue(session, command);
  }

  /** The client answered a WebSocket PING. */
  nativePong(session: Session): void {
    this.#heartbeat.onNativePong(session);
  }

  /** The socket takes bytes again. */
  drained(session: Session): void {
    session.stalledSinceMs = 0;
  }

  /** The connection is gone, whoever ended it. */
  closed(session: Session): void {
    if (!isClosed(session)) this.#end(session, false);
  }

  /** Takes what the application publishes. */
  publish(text: string): PublishResult {
    this.#slowClients.expectTraffic();
    return publish(this, text);
  }

  send(session: Session, frame: string): void {
    if (isClosed(session)) return;
    const sent = session.connection.send(frame, this.#options.compress);
    if (sent === 0) {
      this.counters.failedServerMessages.value += 1;
      return;
    }
    this.counters.serverMessages.value += 1;
    this.counters.bytesSent.value += sent > 0 ? sent : frame.length;
    if (sent < 0) this.#slowClients.expectTraffic();
  }

  drop(session: Session, reason: DropReason, reconnect?: boolean): void {
    const farewell: Farewell = DROP_REASONS[reason];
    this.counters.disconnects.add([reason]);
    this.dismiss(session, reconnect === undefined ? farewell : { ...farewell, reconnect });
  }

  dismiss(session: Session, farewell: Farewell): void {
    if (isClosed(session)) return;
    const frame = farewellFrame(farewell.wire, farewell.reconnect);
    if (frame !== null) this.send(session, frame);
    this.#end(session, true);
    session.connection.close(farewell.closeCode, farewell.closeText);
  }

  /** Cuts a client that takes nothing any more: no frame would reach it. */
  terminate(session: Session, reason: DropReason): void {
    if (isClosed(session)) return;
    this.counters.disconnects.add([reason]);
    this.#end(session, false);
    session.connection.terminate();
  }

  markInterest(session: Session, interest: DisconnectInterest): void {
    const mode = this.#options.disconnectMode;
    if (mode === "always" || (mode === "auto" && interest === "interested"))
      session.disconnectInterest = true;
  }

  resume(session: Session): void {
    while (session.scope === null && session.queue !== null && !isClosed(session)) {
      const next = session.queue.shift();
      if (session.queue.length === 0) session.queue = null;
      if (next !== undefined) this.#run(session, next);
    }
  }

  /** Numbers of the moment, for the gauges. */
  population(): { clients: number; uniqueClients: number; streams: number; pendingDisconnects: number } {
    const identifiers = new Set<string>();
    let clients = 0;
    for (const session of this.sessions.values()) {
      if (session.state !== "open") continue;
      clients += 1;
      identifiers.add(session.identifiers);
    }
    const uniqueClients = identifiers.size;
    return {
      clients,
      uniqueClients,
      streams: this.hub.streamCount,
      pendingDisconnects: this.#disconnects.size,
    };
  }

  /**
   * Tells every client that the server restarts and waits until the words are out, then until the application has
   * heard of the ended sessions; `timeoutMs` bounds both together.
   *
   * DEVIATION: D13. The reference may exit before its queues are flushed.
   */
  async shutdown(timeoutMs: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + timeoutMs;
    const leaving = [...this.sessions.values()];
    if (leaving.length > 0) this.log.info("closing active connections", { num: leaving.length });
    const { closeCode, closeText, wire, reconnect } = DROP_REASONS.server_restart;
    const frame = farewellFrame(wire, reconnect);
    for (const session of leaving) {
      if (frame !== null) this.send(session, frame);
      this.counters.disconnects.add(["server_restart"]);
      this.#end(session, true);
    }
    let waiting = leaving;
    while (waiting.length > 0) {
      waiting = waiting.filter(({ connection }) => {
        if (connection.getBufferedAmount() > 0) return true;
        connection.close(closeCode, closeText);
        return false;
      });
      if (waiting.length === 0 || this.clock.monotonicMs() >= untilMs) break;
      await new Promise<void>((resolve) => this.clock.after(TICK_MS, resolve));
    }
    for (const { connection } of waiting) connection.close(closeCode, closeText);
    if (waiting.length > 0) {
      this.log.warn("terminated while disconnecting active sessions", { num: waiting.length });
    } else if (leaving.length > 0) {
      this.log.info("all active connections closed");
    }
    await this.#disconnects.drain(Math.max(0, untilMs - this.clock.monotonicMs()));
    this.#stopTicking();
  }

  #tick(): void {
    const nowMs = this.clock.monotonicMs();
    this.#heartbeat.advance(nowMs);
    this.#slowClients.sweep(nowMs);
  }

  #sendPing(session: Session, frame: string): void {
    const sent = session.connection.send(frame, this.#options.compress);
    if (sent !== 0) this.counters.bytesSent.value += frame.length;
    if (sent < 0) this.#slowClients.expectTraffic();
  }

  /** Takes the session out of everything; its socket is the caller's. */
  #end(session: Session, connected: boolean): void {
    const wasOpen = session.state === "open";
    session.state = "closed";
    this.sessions.delete(session.sid);
    this.#heartbeat.stop(session);
    session.scope?.cancel();
    session.scope = null;
    session.queue = null;
    const { subscriptions } = session;
    if (subscriptions !== null) {
      for (const { groups } of subscriptions.values()) {
        for (const group of groups) {
          if (connected) this.hub.leave(session.connection, group);
          else this.hub.forget(group);
        }
      }
    }
    if (wasOpen && session.disconnectInterest) this.#tellBackend(session);
    session.subscriptions = null;
  }

  #tellBackend(session: Session): void {
    const istate: Record<string, string> = {};
    const subscriptions: string[] = [];
    for (const [identifier, subscription] of session.subscriptions ?? []) {
      subscriptions.push(identifier);
      if (Object.keys(subscription.istate).length > 0)
        istate[identifier] = JSON.stringify(subscription.istate);
    }
    this.#disconnects.add({
      sid: session.sid,
      env: { url: session.url, headers: session.headers, cstate: session.cstate, istate },
      jwtIdentity: session.jwtIdentity,
      identifiers: session.identifiers,
      subscriptions,
    });
  }

  #enqueue(session: Session, command: Command): void {
    session.queue ??= [];
    if (session.queue.length >= this.#options.maxPendingCommands) {
      this.sampled(
        "info",
        "too_many_commands",
        "client dropped: too many commands wait for the one before them",
        {
          sid: session.sid,
          remote: session.remoteAddress,
          max: this.#options.maxPendingCommands,
        },
      );
      this.drop(session, "too_many_commands");
      return;
    }
    session.queue.push(command);
  }

  #run(session: Session, command: Command): void {
    try {
      const pending = this.#execute(session, command);
      if (pending === undefined) return;
      pending.then(
        () => this.resume(session),
        (thrown: unknown) => {
          session.scope = null;
          this.#fail(session, command, thrown);
          this.resume(session);
        },
      );
    } catch (thrown) {
      this.#fail(session, command, thrown);
    }
  }

  #execute(session: Session, command: Command): void | Promise<void> {
    switch (command.command) {
      case "subscribe":
        return subscribe(this, session, command);
      case "unsubscribe":
        return unsubscribe(this, session, command);
      case "message":
        return message(this, session, command);
      case "history":
        return history(this, session, command);
      case "presence":
      case "join":
      case "leave":
        return presence(this, session, command);
      case "ping":
        return this.send(session, PONG);
      case "pong":
        return;
      default:
        throw new CommandFailure(`unknown command: ${command.command}`);
    }
  }

  /** A failed command is a line for the operator; a bug also ends the session, and only that. */
  #fail(session: Session, command: Command, thrown: unknown): void {
    this.counters.failedClientMessages.value += 1;
    const code =
      thrown instanceof CableError ? thrown.code : thrown instanceof CommandFailure ? undefined : "bug";
    if (code === "canceled") return;
    this.sampled(code === "bug" ? "error" : "warn", code ?? "command", "failed to handle incoming message", {
      sid: session.sid,
      command: command.command.slice(0, 40),
      identifier: command.identifier.slice(0, LIMITS.maxQuotedBytes),
      code,
      error: messageOf(thrown),
    });
    if (code === "bug") this.drop(session, "internal_error");
  }

  /** DEVIATION: D6. The reference stops reading for good; we go on, unless the client keeps at it. */
  #countBadFrame(session: Session): void {
    this.counters.failedClientMessages.value += 1;
    const nowMs = this.clock.monotonicMs();
    if (session.badFrames === 0 || nowMs - session.badFramesSinceMs > 60_000) {
      session.badFrames = 0;
      session.badFramesSinceMs = nowMs;
    }
    session.badFrames += 1;
    this.log.debug("malformed frame", { sid: session.sid });
    if (session.badFrames <= LIMITS.maxBadFramesPerMinute) return;
    this.sampled("info", "bad_frames", "client dropped: too many malformed frames", {
      sid: session.sid,
      remote: session.remoteAddress,
    });
    this.drop(session, "bad_frames");
  }
}
