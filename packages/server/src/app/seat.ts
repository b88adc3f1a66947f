import type { Answer } from "@hawser/core/broker/answer";
import type { Broker } from "@hawser/core/broker/broker";
import type { FailedAuths } from "@hawser/core/engine/failed-auths";
import type { PublishResult } from "@hawser/core/engine/publish";
import type { RevokeResult } from "@hawser/core/engine/revoke";
import type { Revocation } from "@hawser/core/jwt/revocation/revocation";
import type { MetricGroup } from "@hawser/core/metrics/catalog";
import type { Metrics } from "@hawser/core/metrics/registry";
import type { Nodes } from "../pubsub/nodes.ts";
import type { AskedKeys } from "../threads/asked-keys.ts";
import type { ControlLink } from "../threads/control-link.ts";
import type { ThreadFanOut } from "../threads/fan-out.ts";
import type { ToldMismatch } from "../threads/told-mismatch.ts";
import type { ClientRequestsParts } from "../transports/http/client-requests.ts";
import type { ServerKeysParts } from "./server-keys.ts";

/** Which thread of a server with several this is, as far as its parts are other ones for it. */
export type Seat = ControlSeat | ConnectionsSeat;

/** It has no clients, and what there is once for the server. */
export interface ControlSeat {
  readonly kind: "control";
  readonly nodes: ThreadFanOut;
  /** The other servers behind it; null where this one is alone. */
  readonly outer: Nodes | null;
  readonly keys: Pick<ServerKeysParts, "onTaken" | "onPublished">;
  /** What is to be shown in place of these metrics of the control thread alone. */
  readonly addMetrics: (own: Metrics, groups: readonly MetricGroup[]) => Metrics;
  /** Brings that up to date. */
  readonly measure: () => Promise<void>;
  /** Adds the connections that the threads close to those that a revocation closes. */
  readonly countRevoked: (revoke: () => RevokeResult) => Promise<RevokeResult>;
  /** Publishes so that a command is answered once every thread has carried it out. */
  readonly publisher: (publish: Publish) => Publish;
  /** Has the threads take over what other servers have revoked. */
  readonly takeOver: (revocations: readonly Revocation[]) => void;
  /** Has the threads know whether the application seems to sign with another secret. */
  readonly secretsDiffer: (differ: boolean) => void;
  /** Whether the application has answered those who ask it. */
  readonly backendAnswered: () => boolean;
}

export type Publish = (text: string) => Answer<PublishResult>;

/** It has clients, and asks nobody but the application and the control thread. */
export interface ConnectionsSeat {
  readonly kind: "connections";
  readonly nodes: ControlLink;
  readonly broker: Broker | null;
  /** Null where no issuer publishes its keys. */
  readonly published: AskedKeys | null;
  readonly keys: Pick<ServerKeysParts, "readFile" | "log" | "clock">;
  readonly isFull: NonNullable<ClientRequestsParts["isFull"]>;
  /** As the control thread says. */
  readonly mismatch: ToldMismatch;
  /** Those of all threads together. */
  readonly failedAuths: (maxPerMinute: number) => FailedAuths;
}
