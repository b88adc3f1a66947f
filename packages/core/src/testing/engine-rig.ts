import type { Broker } from "../broker/broker.ts";
import type { AdmissionPolicy, Credentials } from "../engine/admission.ts";
import { Engine, type EngineOptions } from "../engine/engine.ts";
import type { FailedAuths } from "../engine/failed-auths.ts";
import type { PubSub } from "../engine/pub-sub.ts";
import type { RevocationBook } from "../engine/revocation-terms.ts";
import { Revocations } from "../jwt/revocation/revocations.ts";
import type { Accepted, Refused } from "../jwt/verdict.ts";
import type { LabelledName } from "../metrics/catalog.ts";
import { createMetrics, type Metrics } from "../metrics/registry.ts";
import { AUTH_REASONS } from "../reasons.ts";
import { pubsubRoute } from "../router/pubsub-route.ts";
import type { Backend } from "../rpc/backend.ts";
import { NULL_BACKEND } from "../rpc/null-backend.ts";
import type { HeartbeatPlan, Session } from "../session/session.ts";
import { createStreamVerifier } from "../signed/stream-name.ts";
import { FakeConnection, FakeTopics } from "./fake-connection.ts";
import { ManualClock } from "./manual-clock.ts";
import { RecordingLog } from "./recording-log.ts";
import { SeededRandom } from "./seeded-random.ts";

export const ACCEPTED: Accepted = {
  accepted: true,
  identity: '{"user":1}',
  keyName: "secret",
  claimsSegment: "e30",
  expiresAtMs: null,
  marks: { jti: null, sid: null, issuedAtS: null, kid: null, tag: 1, expiresAtMs: null },
  connectionEndsAtMs: null,
};
export const REFUSED: Refused = {
  accepted: false,
  reason: "bad_signature",
  keyName: null,
  detail: "no key verifies the signature",
  expiredForMs: null,
};
export const GOOD: Credentials = { token: "good", carrier: "query", queryMalformed: false };
export const BAD: Credentials = { token: "bad", carrier: "query", queryMalformed: false };
export const NONE: Credentials = { token: null, carrier: "none", queryMalformed: false };
export const CHAT = '{"channel":"ChatChannel"}';
export const PUBSUB = '{"channel":"$pubsub","stream_name":"chat"}';

interface Setup {
  failedAuths?: FailedAuths | null;
  revocations?: Partial<RevocationBook>;
  admission?: Partial<AdmissionPolicy>;
  options?: Partial<EngineOptions>;
  backend?: Backend;
  pubSub?: PubSub | null;
  broker?: (clock: ManualClock) => Broker;
  /** One of its own, unless several engines have one. */
  clock?: ManualClock;
  /** What the ids of its sessions begin with, where there are several engines. */
  name?: string;
}

/** An engine on a manual clock with fake connections; the token "good" is good. */
export function setUp({
  admission = {},
  options = {},
  backend = NULL_BACKEND,
  broker,
  failedAuths = null,
  pubSub = null,
  revocations = {},
  clock = new ManualClock(),
  name = "",
}: Setup = {}) {
  const log = new RecordingLog();
  const topics = new FakeTopics();
  const metrics = createMetrics();
  /** Of the lines that went through the sampler, the kinds. */
  const sampledKinds: string[] = [];
  let sids = 0;
  const engine = new Engine(
    {
      admission: {
        verify: (token) => (token === "good" ? ACCEPTED : REFUSED),
        enforceJwt: false,
        noAuth: false,
        rpcAfterJwt: "off",
        missingKeys: null,
        farewell: (reason) => AUTH_REASONS[reason],
        hasBackend: backend.kind !== "none",
        tokenParam: "jid",
        ...admission,
      },
      expiry: {
        closes: false,
        jitterPercent: 10,
        closesPerS: 100,
        noticeMs: 60_000,
        firstMessageTimeoutMs: 5000,
      },
      disconnectMode: "auto",
      disconnectRatePerS: 100,
      disconnectBacklog: 4096,
      disconnectsAtOnce: 14,
      shutdownRatePerS: 0,
      shadowConnectsAtOnce: 2,
      maxSubscriptions: 4096,
      maxPendingCommands: 3,
      maxCommandsPerS: 0,
      maxPendingCommandBytes: 1_000_000,
      maxPendingBytes: 1000,
      writeTimeoutMs: 2000,
      resumeVerify: true,
      sessionsTtlMs: 300_000,
      nativePings: false,
      compress: false,
      ...options,
    },
    {
      backend,
      broker: broker?.(clock) ?? null,
      pubSub,
      failedAuths,
      router: new Map([
        [
          "$pubsub",
          pubsubRoute({
            publicStreams: true,
            verify: createStreamVerifier(() => []),
            whisper: false,
            presence: true,
          }),
        ],
      ]),
      topics,
      clock,
      random: new SeededRandom(1),
      log,
      metrics,
      revocations: {
        inForce: new Revocations(1000),
        ...{ maxTtlMs: 3_600_000, longestLifetimeMs: null, write: null, share: null },
        ...revocations,
      },
      sampled: (level, kind, message, fields) => {
        sampledKinds.push(kind);
        log[level](message, fields);
      },
    },
  );
  const open = (credentials: Credentials, plan: Partial<HeartbeatPlan> = {}, resumable = false) => {
    const connection = new FakeConnection();
    topics.connections.add(connection);
    sids += 1;
    const session: Session = engine.open(
      {
        sid: `${name}s${sids}`,
        plan: { pingIntervalMs: 3000, pingPrecision: "s", pongTimeoutMs: 0, tokenNotices: false, ...plan },
        clientAddress: null,
        url: "http://localhost/cable",
        headers: {},
        connection,
        resumable,
      },
      credentials,
    );
    connection.onClose = () => engine.closed(session);
    const say = (command: object | string) => {
      const text = typeof command === "string" ? command : JSON.stringify(command);
      engine.receive(session, text, text.length);
    };
    return { connection, session, say };
  };
  return { engine, clock, log, sampledKinds, metrics, open };
}

/** What a metric with labels says, a line for each set of them. */
export function counted(metrics: Metrics, name: LabelledName): string[] {
  return [...metrics.labelled(name).samples()].map(
    ({ labelValues, value }) => `${labelValues.join(" ")} ${value}`,
  );
}

/** Lets the promises that are settled by now run their course. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
}
