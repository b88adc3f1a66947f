import type { Answer } from "../broker/answer.ts";
import type { Broker } from "../broker/broker.ts";
import type { SessionSnapshot } from "../broker/sessions.ts";
import type { Cancel, Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { Hub } from "../hub/hub.ts";
import type { Revocation } from "../jwt/revocation/revocation.ts";
import type { Log, LogFields, LogLevel } from "../log.ts";
import type { Metrics } from "../metrics/registry.ts";
import type { Command } from "../protocol/command.ts";
import type { RevokeCommand } from "../protocol/revoke-command.ts";
import type { Random } from "../random.ts";
import { DROP_REASONS, type DropReason, type Farewell } from "../reasons.ts";
import type { Router } from "../router/router.ts";
import type { Backend } from "../rpc/backend.ts";
import { NOT_WANTED, type Topics } from "../session/connection.ts";
import { Deadlines } from "../session/deadlines.ts";
import { Expiry, type ExpiryPolicy } from "../session/expiry.ts";
import { Heartbeat } from "../session/heartbeat.ts";
import { isClosed, Session, type SessionOpening } from "../session/session.ts";
import { TICK_MS } from "../session/timer-wheel.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { AdmissionPolicy, Credentials } from "./admission.ts";
import { admit, farewellFrame, refuseTokenless } from "./admit.ts";
import { handOn } from "./broadcast.ts";
import type { DisconnectInterest, EngineContext } from "./context.ts";
import { type EngineCounters, engineCounters } from "./counters.ts";
import { deliver } from "./deliver.ts";
import { disconnectRequest, dismissAll, dismissInTurns, dropExpired, leaveStreams } from "./departures.ts";
import { DisconnectQueue } from "./disconnect-queue.ts";
import type { FailedAuths } from "./failed-auths.ts";
import { Inbox } from "./inbox.ts";
import { Lineages } from "./lineages.ts";
import { MissedMessages } from "./missed-messages.ts";
import { OrderedAppends } from "./ordered-appends.ts";
import { broadcastPresence, losePresence } from "./presence.ts";
import type { FromNodes, PubSub } from "./pub-sub.ts";
import { type PublishResult, publish } from "./publish.ts";
import { RestoredSessions } from "./restored-sessions.ts";
import { connectedSnapshot, keepSession } from "./resume.ts";
import type { RevocationBook } from "./revocation-terms.ts";
import { type RevokeResult, revoke } from "./revoke.ts";
import { SavedSessions } from "./saved-sessions.ts";
import { SessionLookups } from "./session-lookups.ts";
import { ShadowConnects } from "./shadow-connects.ts";
import { SlowClients } from "./slow-clients.ts";
import { takeOver } from "./take-over.ts";

export interface EngineOptions {
  readonly admission: AdmissionPolicy;
  /** What follows when tokens end. */
  readonly expiry: ExpiryPolicy;
  /** When the application hears of a session's end (anycable `--disconnect_mode`). */
  readonly disconnectMode: "auto" | "always" | "never";
  readonly disconnectRatePerS: number;
  readonly disconnectBacklog: number;
  /** Disconnect calls that may be under way together. */
  readonly disconnectsAtOnce: number;
  /** Clients that are told a second that the server goes down; 0 for all at once. */
  readonly shutdownRatePerS: number;
  /** Connect calls for comparison alone that may be under way together. */
  readonly shadowConnectsAtOnce: number;
  /** Of one session; 0 for no limit. */
  readonly maxSubscriptions: number;
  /** Commands that may wait while one is being carried out. */
  readonly maxPendingCommands: number;
  readonly maxPendingCommandBytes: number;
  /** What a client may say in a second; 0 for no limit. */
  readonly maxCommandsPerS: number;
  /** Bytes that may wait for a client before it is dropped as too slow; 0 for no limit. */
  readonly maxPendingBytes: number;
  /** How long a client's socket may take nothing while something waits; 0 for ever. */
  readonly writeTimeoutMs: number;
  /** How long a session is kept (`--sessions_ttl`). */
  readonly sessionsTtlMs: number;
  /** Whether who comes for its session has to be let in first. */
  readonly resumeVerify: boolean;
  readonly nativePings: boolean;
  /** Whether frames are to be compressed for clients that can. */
  readonly compress: boolean;
}

/** Everything of the outside world that the engine uses. */
export interface EngineParts {
  readonly backend: Backend;
  /** Null where nothing outlives a connection. */
  readonly broker: Broker | null;
  /** Null where there are no other nodes. */
  readonly pubSub: PubSub | null;
  readonly router: Router;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly revocations: RevocationBook;
  /** Null where addresses are not limited. */
  readonly failedAuths: FailedAuths | null;
  /** For lines that clients can cause at will. */
  readonly sampled: (level: LogLevel, kind: string, message: string, fields: LogFields) => void;
}

/**
 * The server without its sockets: connections come in by `open`, frames by `receive`, publications by `publish`.
 * A session's commands are carried out one at a time and in order; nothing is awaited unless the application is asked.
 */
export class Engine implements EngineContext, FromNodes {
  readonly backend: Backend;
  readonly broker: Broker | null;
  readonly pubSub: PubSub | null;
  readonly router: Router;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: EngineCounters;
  readonly admission: AdmissionPolicy;
  readonly failedAuths: FailedAuths | null;
  readonly resumeVerify: boolean;
  readonly expiry: Expiry;
  readonly restored = new RestoredSessions(this);
  readonly lineages = new Lineages();
  readonly lookups = new SessionLookups();
  readonly saved: SavedSessions | null;
  readonly shadow: ShadowConnects | null;
  readonly revocations: RevocationBook;
  readonly maxSubscriptions: number;
  readonly maxPendingBytes: number;
  readonly appends: OrderedAppends | null;
  readonly missed: MissedMessages | null;
  readonly sessions = new Map<string, Session>();
  readonly sampled: EngineContext["sampled"];
  readonly #options: EngineOptions;
  readonly #heartbeat: Heartbeat;
  readonly #deadlines: Deadlines;
  readonly #inbox: Inbox;
  readonly #slowClients: SlowClients;
  readonly #disconnects: DisconnectQueue;
  readonly #stopTicking: Cancel;

  constructor(options: EngineOptions, parts: EngineParts) {
    const { backend, clock, log, random, topics } = parts;
    this.backend = backend;
    this.broker = parts.broker;
    this.pubSub = parts.pubSub;
    parts.broker?.presence?.onExpired((stream, event) => broadcastPresence(this, stream, event));
    this.router = parts.router;
    this.clock = clock;
    this.log = log;
    this.sampled = parts.sampled;
    this.revocations = parts.revocations;
    this.admission = options.admission;
    this.failedAuths = parts.failedAuths;
    this.resumeVerify = options.resumeVerify;
    this.maxSubscriptions = options.maxSubscriptions;
    this.maxPendingBytes = options.maxPendingBytes;
    const history = this.broker?.history ?? null;
    this.appends =
      history === null
        ? null
        : new OrderedAppends(history, (publication, position) => handOn(this, publication, position));
    const sessions = this.broker?.sessions ?? null;
    this.saved = sessions?.isShared ? new SavedSessions(this, sessions, options.sessionsTtlMs) : null;
    const isMissed = history !== null && history.publish !== null && parts.pubSub !== null;
    this.missed = isMissed ? new MissedMessages(this, history) : null;
    this.#options = options;
    this.shadow = shadowOf(options, parts);
    this.counters = engineCounters(parts.metrics);
    this.hub = new Hub(
      (topic, frame) => topics.publish(topic, frame, options.compress),
      parts.pubSub,
      isMissed ? () => Math.floor(clock.nowMs() / 1000) : undefined,
    );
    this.#heartbeat = new Heartbeat({
      clock,
      random,
      nativePings: options.nativePings,
      sendPing: (session, frame) => this.#sendPing(session, frame),
      onNoPong: (session) => {
        const fields = { sid: session.sid, remote: session.remoteAddress };
        this.sampled("warn", "no_pong", "disconnecting session due to no pongs", fields);
        this.drop(session, "no_pong");
      },
    });
    this.expiry = new Expiry(options.expiry, {
      clock,
      random,
      changed: (session) => this.#deadlines.changed(session),
      send: (session, frame) => this.send(session, frame),
      onExpired: (session) => dropExpired(this, session),
      onNoToken: (session) => refuseTokenless(this, session, "no token, and none came in a message in time"),
    });
    this.#deadlines = new Deadlines(clock.monotonicMs(), [this.#heartbeat, this.expiry]);
    this.#inbox = new Inbox(this, {
      maxPendingCommands: options.maxPendingCommands,
      maxPendingCommandBytes: options.maxPendingCommandBytes,
      maxCommandsPerS: options.maxCommandsPerS,
      onCommand: (session) => this.#heartbeat.heard(session),
    });
    this.#slowClients = new SlowClients(this, options.maxPendingBytes, options.writeTimeoutMs);
    this.#disconnects = new DisconnectQueue({
      disconnect: (request, scope) => backend.disconnect(request, scope),
      clock,
      log,
      sampled: parts.sampled,
      ratePerS: options.disconnectRatePerS,
      backlog: options.disconnectBacklog,
      atOnce: options.disconnectsAtOnce,
    });
    this.#stopTicking = clock.every(TICK_MS, () => this.#tick());
  }

  /** Takes a new connection in; its client is welcomed, refused, or kept waiting for the application. */
  open(opening: SessionOpening, credentials: Credentials): Session {
    const session = new Session(opening);
    this.sessions.set(session.sid, session);
    this.#heartbeat.start(session);
    this.#deadlines.changed(session);
    try {
      admit(this, session, credentials);
    } catch (thrown) {
      const fields = { sid: session.sid, code: "bug", error: messageOf(thrown) };
      this.sampled("error", "bug", "WebSocket session failed", fields);
      this.drop(session, "internal_error");
    }
    return session;
  }

  /** Whether no session has this id, and no client may come back for one that had; false where that cannot be said at once. */
  isFree(sid: string): boolean {
    if (this.sessions.has(sid)) return false;
    const sessions = this.broker?.sessions ?? null;
    // Who shares them answers later, and so is not asked: a request names any id.
    if (sessions === null || sessions.isShared) return sessions === null;
    const found = sessions.find(sid);
    // Nobody waits for the answer, and so nobody for its failure.
    if (found instanceof Promise) found.catch(() => {});
    return found === null;
  }

  /** What is to be had of a session that is connected here, for its client that comes to another node; null for none. */
  connectedSnapshot(sid: string): SessionSnapshot | null {
    return connectedSnapshot(this, sid);
  }

  /** Takes a frame from the client. */
  receive(session: Session, text: string, bytes: number): void {
    this.#inbox.receive(session, text, bytes);
  }

  /** Carries out a command that the transport gives itself, of a session that has nothing under way. */
  perform(session: Session, command: Command): void {
    this.#inbox.perform(session, command);
  }

  /** Resolves once nothing is under way for the session; null when that is so already. */
  whenIdle(session: Session): Promise<void> | null {
    return this.#inbox.whenIdle(session);
  }

  /** The client answered a WebSocket PING. */
  nativePong(session: Session): void {
    this.#heartbeat.heard(session);
  }

  /** The socket takes bytes again. */
  drained(session: Session): void {
    session.stalledSinceMs = 0;
  }

  /** The connection is gone, whoever ended it. */
  closed(session: Session): void {
    if (!isClosed(session)) this.#end(session, false, true);
  }

  /** Takes what the application publishes. */
  publish(text: string): Answer<PublishResult> {
    return publish(this, text);
  }

  /**
   * Takes what has come by a channel to every node, and is for the clients of this one alone.
   *
   * @param stream whose channel it was; null for one that may carry anything.
   */
  deliver(text: string, stream: string | null): void {
    deliver(this, text, stream, "node");
  }

  /** Takes what an application has published by a channel that every node hears: it is for the clients of this one alone. */
  hear(text: string): void {
    deliver(this, text, null, "channel");
  }

  /** There is no connection to the other nodes. */
  parted(): void {
    this.missed?.parted();
  }

  /** There is one again; the clients of this node get what they have missed, where history knows it. */
  rejoined(): void {
    this.missed?.rejoined();
    this.saved?.saveAgain();
  }

  /** Takes back tokens and what was opened with them. */
  revoke(command: RevokeCommand): RevokeResult {
    return revoke(this, command);
  }

  /** Puts into force what other nodes have revoked; what of it was new here. */
  takeOver(found: readonly Revocation[]): readonly Revocation[] {
    return takeOver(this, found);
  }

  published(bytes: number): void {
    this.#slowClients.published(bytes);
  }

  send(session: Session, frame: string): void {
    if (isClosed(session)) return;
    const sent = session.connection.send(frame, this.#options.compress);
    if (sent === NOT_WANTED) return;
    if (sent === 0) {
      this.counters.failedServerMessages.value += 1;
      return;
    }
    this.counters.serverMessages.value += 1;
    this.counters.bytesSent.value += sent > 0 ? sent : encodeUtf8(frame).length;
    if (sent < 0) this.#slowClients.expectTraffic();
  }

  drop(session: Session, reason: DropReason, reconnect?: boolean): void {
    if (isClosed(session)) return;
    const farewell: Farewell = DROP_REASONS[reason];
    this.counters.disconnects.add([reason]);
    this.dismiss(session, reconnect === undefined ? farewell : { ...farewell, reconnect });
  }

  dismiss(session: Session, farewell: Farewell): void {
    if (isClosed(session)) return;
    const frame = farewellFrame(farewell.wire, farewell.reconnect);
    if (frame !== null) this.send(session, frame);
    this.#end(session, true, farewell.resumable === true);
    session.connection.close(farewell.closeCode, farewell.closeText);
  }

  /** Cuts a client that takes nothing any more: no frame would reach it. */
  terminate(session: Session, reason: DropReason): void {
    if (isClosed(session)) return;
    this.counters.disconnects.add([reason]);
    const farewell: Farewell = DROP_REASONS[reason];
    this.#end(session, true, farewell.resumable === true);
    session.connection.terminate();
  }

  markInterest(session: Session, interest: DisconnectInterest): void {
    const mode = this.#options.disconnectMode;
    if (session.disconnectInterest || mode === "never") return;
    if (mode === "auto" && interest !== "interested") return;
    session.disconnectInterest = true;
    this.saved?.changed(session);
  }

  resume(session: Session): void {
    this.#inbox.resume(session);
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
   * Tells every client that the server restarts, closes when the words are out, and waits until the application has
   * heard of the ended sessions; `timeoutMs` bounds all of it.
   *
   * @param log where it says of how many clients.
   * @returns how many may not have heard it.
   */
  async shutdown(timeoutMs: number, log = this.log): Promise<number> {
    const untilMs = this.clock.monotonicMs() + timeoutMs;
    this.shadow?.stop();
    const leaving = [...this.sessions.values()];
    const dismissal = {
      log,
      // Where other nodes have the same sessions its client goes on there.
      end: (session: Session) => this.#end(session, true, this.saved !== null),
      isStuck: (session: Session) => this.#slowClients.isStuck(session, this.clock.monotonicMs()),
      untilMs,
    };
    const { shutdownRatePerS: ratePerS } = this.#options;
    const closed =
      ratePerS > 0 && leaving.length > 0
        ? (await dismissInTurns(this, leaving, { ...dismissal, ratePerS })).closed
        : dismissAll(this, leaving, dismissal);
    // All sessions have ended by now, though not all connections: the application need not wait for slow readers.
    const remainingMs = Math.max(0, untilMs - this.clock.monotonicMs());
    const [unheard] = await Promise.all([closed, this.#disconnects.drain(remainingMs)]);
    this.#stopTicking();
    return unheard;
  }

  #tick(): void {
    const nowMs = this.clock.monotonicMs();
    this.expiry.followClock(this.sessions.values());
    this.#deadlines.advance(nowMs);
    this.#slowClients.sweep(nowMs);
    if (this.revocations.inForce.size > 0) this.revocations.inForce.forgetEnded(this.clock.nowMs());
    this.restored.advance(nowMs);
    this.saved?.advance(nowMs);
  }

  #sendPing(session: Session, frame: string): void {
    const sent = session.connection.send(frame, this.#options.compress);
    if (sent === NOT_WANTED) return;
    if (sent !== 0) this.counters.bytesSent.value += frame.length;
    if (sent < 0) this.#slowClients.expectTraffic();
  }

  /** Takes the session out of everything; its socket is the caller's. `keep`: its client may have it back. */
  #end(session: Session, connected: boolean, keep: boolean): void {
    const wasOpen = session.state === "open";
    if (wasOpen && keep) keepSession(this, session);
    this.saved?.ended(session, wasOpen && keep);
    session.state = "closed";
    this.sessions.delete(session.sid);
    this.#deadlines.stop(session);
    this.expiry.ended(session);
    session.scope?.cancel();
    session.scope = null;
    session.queue = null;
    this.#inbox.ended(session);
    leaveStreams(this, session, connected);
    losePresence(this, session);
    if (wasOpen && session.disconnectInterest) this.#disconnects.add(disconnectRequest(session));
    session.subscriptions = null;
    session.holding = null;
    this.restored.ended(session);
    this.lineages.ended(session);
  }
}

function shadowOf(
  options: EngineOptions,
  { backend, clock, metrics, sampled }: EngineParts,
): ShadowConnects | null {
  if (options.admission.rpcAfterJwt !== "shadow") return null;
  return new ShadowConnects({
    connect: (request, scope) => backend.connect(request, scope),
    clock,
    sampled,
    disagreements: metrics.labelled("auth_disagreements_total"),
    atOnce: options.shadowConnectsAtOnce,
  });
}
