import type { Option, Section } from "@hawser/core/options";
import { ADMIN } from "../admin/options.ts";
import { BROADCAST } from "../broadcast/options.ts";
import { BROKER } from "../broker/options.ts";
import { EXPIRY } from "../keys/expiry/options.ts";
import { JWT } from "../keys/options.ts";
import { REVOCATION } from "../keys/revocation/options.ts";
import { PUBSUB } from "../pubsub/options.ts";
import { GRPC } from "../rpc/grpc/options.ts";
import { HTTP_RPC } from "../rpc/http/options.ts";
import { DISCONNECT, RPC } from "../rpc/options.ts";
import { LOG, METRICS } from "../telemetry/options.ts";
import { SERVER } from "../transports/http/options.ts";
import { SSE } from "../transports/sse/options.ts";
import { PINGS, WEBSOCKET } from "../transports/websocket/options.ts";
import { EMBEDDED_NATS } from "./embedded-nats-options.ts";
import { COMMAND, GENERAL, SHUTDOWN } from "./general-options.ts";
import { NATS } from "./nats-options.ts";
import { REDIS } from "./redis-options.ts";
import { STREAMS } from "./streams-options.ts";

export type AnyOption = Option<unknown>;

/** Every section, in the order of `--help`. */
export const SECTIONS: readonly Section<Readonly<Record<string, AnyOption>>>[] = [
  COMMAND,
  GENERAL,
  SERVER,
  WEBSOCKET,
  PINGS,
  SSE,
  JWT,
  REVOCATION,
  EXPIRY,
  STREAMS,
  RPC,
  GRPC,
  HTTP_RPC,
  DISCONNECT,
  BROADCAST,
  PUBSUB,
  REDIS,
  NATS,
  EMBEDDED_NATS,
  BROKER,
  LOG,
  METRICS,
  ADMIN,
  SHUTDOWN,
];

/** Every option there is, in the order of its section. */
export const OPTIONS: readonly AnyOption[] = SECTIONS.flatMap((section) => Object.values(section.options));
