import type { Broker } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import type { Hub } from "../hub/hub.ts";
import { LIMITS } from "../limits.ts";
import type { Log, LogFields, LogLevel } from "../log.ts";
import type { DropReason, Farewell } from "../reasons.ts";
import type { Router } from "../router/router.ts";
import type { Backend, RpcEnv, StateMap } from "../rpc/backend.ts";
import type { Expiry } from "../session/expiry.ts";
import type { Session } from "../session/session.ts";
import type { AdmissionPolicy } from "./admission.ts";
import type { EngineCounters } from "./counters.ts";
import type { FailedAuths } from "./failed-auths.ts";
import type { Lineages } from "./lineages.ts";
import type { MissedMessages } from "./missed-messages.ts";
import type { OrderedAppends } from "./ordered-appends.ts";
import type { PubSub } from "./pub-sub.ts";
import type { RestoredSessions } from "./restored-sessions.ts";
import type { RevocationBook } from "./revocation-terms.ts";
import type { SavedSessions } from "./saved-sessions.ts";
import type { SessionLookups } from "./session-lookups.ts";
import type { ShadowConnects } from "./shadow-connects.ts";

/** What the steps of the engine need of it. */
export interface EngineContext {
  readonly backend: Backend;
  /** Null where nothing outlives a connection. */
  readonly broker: Broker | null;
  /** Null where there are no other nodes. */
  readonly pubSub: PubSub | null;
  readonly router: Router;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: EngineCounters;
  readonly admission: AdmissionPolicy;
  /** Null where addresses are not limited. */
  readonly failedAuths: FailedAuths | null;
  readonly restored: RestoredSessions;
  readonly lineages: Lineages;
  readonly lookups: SessionLookups;
  /** Null where other nodes do not have the same sessions. */
  readonly saved: SavedSessions | null;
  /** `--resume_verify`: off, whoever has a session's id has the session, as in the reference. */
  readonly resumeVerify: boolean;
  readonly expiry: Expiry;
  /** Null unless the application is asked only for comparison. */
  readonly shadow: ShadowConnects | null;
  readonly revocations: RevocationBook;
  /** Of one session; 0 for no limit. */
  readonly maxSubscriptions: number;
  /** Bytes that may wait for a client; 0 for no limit. */
  readonly maxPendingBytes: number;
  /** Null where no history is kept. */
  readonly appends: OrderedAppends | null;
  /** Null where there are no other nodes, or no history that all of them have. */
  readonly missed: MissedMessages | null;
  /** Every connected session by its `sid`. */
  readonly sessions: ReadonlyMap<string, Session>;
  /** Queues a frame for the client and counts it. */
  send(session: Session, frame: string): void;
  /** A publication went out; `bytes` of it at most to one client. */
  published(bytes: number): void;
  /** Tells the client why and ends the session. `reconnect` overrules the table's. */
  drop(session: Session, reason: DropReason, reconnect?: boolean): void;
  /** Ends the session with these words; what `drop` does once it has looked the reason up. */
  dismiss(session: Session, farewell: Farewell): void;
  /** Remembers that the application wants to hear of this session's end (anycable node/controller.go). */
  markInterest(session: Session, interest: DisconnectInterest): void;
  /** Runs the commands that waited while the session was busy. */
  resume(session: Session): void;
  /** A line that clients can cause at will: at most so many a second, then a count of what was left out. */
  sampled(level: LogLevel, kind: string, message: string, fields: LogFields): void;
}

/** Whether a result makes the session one whose end the application hears of, in `--disconnect_mode=auto`. */
export type DisconnectInterest = "interested" | "indifferent";

/** A command that cannot be carried out: counted, logged, and mostly not answered. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

/** As much of what a client or a publisher sent as a log line may hold. */
export function quoted(text: string): string {
  return text.slice(0, LIMITS.maxQuotedBytes);
}

export function rpcEnv(session: Session, istate: StateMap): RpcEnv {
  return { url: session.url, headers: session.headers, cstate: session.cstate, istate };
}
