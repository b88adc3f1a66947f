import type { Group } from "../hub/hub.ts";
import type { TokenMarks } from "../jwt/revocation/token-marks.ts";
import type { CallScope, StateMap } from "../rpc/backend.ts";
import type { Connection } from "./connection.ts";
import type { Holding } from "./holding.ts";
import type { PendingCommands } from "./pending-commands.ts";
import type { Timed } from "./timer-wheel.ts";
import type { TokenTerm } from "./token-term.ts";

/** One channel of one session. */
export interface Subscription {
  /** The streams it follows; few, so that a scan beats a map. */
  groups: Group[];
  /** The application's state of this channel (proto Env.istate). */
  istate: StateMap;
  /** Confirmed by a route of this server and not by the application. */
  readonly routed: boolean;
  /** Set while it came with a restored session and its client has not subscribed in this one: it may not know of it. */
  unconfirmed?: boolean;
  /** Set once its client, while it is unconfirmed, has asked for what it missed. */
  asked?: boolean;
}

/** Where a session stands: its client is let in at most once, and every session ends once. */
export type SessionState = "connecting" | "open" | "closed";

/** How long a client may stay silent, and how often it hears from us. */
export interface HeartbeatPlan {
  /** 0 when this client asked for no pings. */
  readonly pingIntervalMs: number;
  readonly pingPrecision: PingPrecision;
  /** 0 when a client need not answer. */
  readonly pongTimeoutMs: number;
  /** Whether it is told that its token will expire. */
  readonly tokenNotices: boolean;
}

export type PingPrecision = "s" | "ms" | "ns";

/** How a listener for both families tells an IPv4 peer (RFC 4291 2.5.5.2). */
const MAPPED_V4 = "::ffff:";

const NO_STATE: StateMap = Object.freeze({});

/**
 * Everything this server knows of one client. There are tens of thousands of these: a field costs eight bytes in each,
 * and what most sessions never need (queue, scope, subscriptions) is made when it is needed.
 */
export class Session implements Timed {
  readonly sid: string;
  readonly plan: HeartbeatPlan;
  /** The client that a trusted proxy named, or null when that is the peer: then it is asked for when needed. */
  readonly #clientAddress: string | null;
  /**
   * Of the upgrade request; empty when no backend would ever be told. They hold the token, wherever it came by; a later
   * one takes its place.
   */
  url: string;
  headers: StateMap;
  /**
   * The id of the session that it began as, itself unless it was resumed; null where its client cannot ask for it again
   * once the connection has broken.
   */
  lineage: string | null;

  state: SessionState = "connecting";
  connection: Connection;
  /** The connection's identifiers: the verified `ext`, or what the application said. Empty until it is let in. */
  identifiers = "";
  /** Whom its verified token named; null without one. */
  tokenIdentity: string | null = null;
  /** The verified claims as base64url JSON; null without a verified token or without a backend to tell. */
  jwtIdentity: string | null = null;
  /** Of the token that it was opened with; null without one. */
  marks: TokenMarks | null = null;
  /** What follows from its token as time passes; null where nothing does. */
  term: TokenTerm | null = null;
  cstate: StateMap = NO_STATE;
  /** Changed by `addSubscription` and `removeSubscription`. */
  subscriptions: Map<string, Subscription> | null = null;
  /** Characters of their identifiers. */
  identifierLength = 0;
  /** What was published to subscriptions that are not live yet; made when the first one is held. */
  holding: Holding | null = null;

  /** The call under way; while there is one, commands wait in `queue`. */
  scope: CallScope | null = null;
  queue: PendingCommands | null = null;
  /** Whether the application is told when this session ends. */
  disconnectInterest = false;

  /** Malformed frames in the minute that began at `badFramesSinceMs`. */
  badFrames = 0;
  badFramesSinceMs = 0;

  /** 0 where there are no pings. */
  nextPingAtMs = 0;
  /** When the client is given up, unless it says something; 0 when nothing is expected of it. */
  pongDeadlineMs = 0;
  /** When its socket stopped taking bytes; 0 while it takes them. */
  stalledSinceMs = 0;

  dueAtMs = 0;
  wheelSlot = -1;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;

  constructor(opening: SessionOpening) {
    this.sid = opening.sid;
    this.plan = opening.plan;
    this.#clientAddress = opening.clientAddress;
    this.url = opening.url;
    this.headers = opening.headers;
    this.lineage = opening.resumable ? opening.sid : null;
    this.connection = opening.connection;
  }

  /** Whether it receives what is published to this group. */
  follows(group: Group): boolean {
    return this.subscriptions?.get(group.identifier)?.groups.includes(group) ?? false;
  }

  /** Where the client is, for the operator's lines. */
  get remoteAddress(): string {
    if (this.#clientAddress !== null) return this.#clientAddress;
    const peer = this.connection.remoteAddress ?? "unknown";
    return peer.startsWith(MAPPED_V4) ? peer.slice(MAPPED_V4.length) : peer;
  }
}

export interface SessionOpening {
  readonly sid: string;
  readonly plan: HeartbeatPlan;
  readonly clientAddress: string | null;
  readonly url: string;
  readonly headers: StateMap;
  readonly connection: Connection;
  readonly resumable?: boolean;
}

/** Applies a delta: an empty value deletes its key (anycable common/common.go, SessionEnv). */
export function mergeState(state: StateMap, delta: StateMap): StateMap {
  const keys = Object.keys(delta);
  if (keys.length === 0) return state;
  const merged: Record<string, string> = { ...state };
  for (const key of keys) {
    const value = delta[key];
    if (value === undefined || value === "") delete merged[key];
    else merged[key] = value;
  }
  return merged;
}

export function addSubscription(session: Session, identifier: string, subscription: Subscription): void {
  session.subscriptions ??= new Map();
  session.subscriptions.set(identifier, subscription);
  session.identifierLength += identifier.length;
}

export function removeSubscription(session: Session, identifier: string): void {
  if (session.subscriptions?.delete(identifier)) session.identifierLength -= identifier.length;
}

/** A function, because calls in between may have ended the session behind the compiler's back. */
export function isClosed(session: Session): boolean {
  return session.state === "closed";
}
