export { CableError, type ErrorCode } from "@hawser/core/errors";
export type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";
export { type NodeListener, nodeListener } from "../drivers/node-listener.ts";
export {
  type Cable,
  type CableHandlers,
  type CableOptions,
  createCable,
  type RpcHandlers,
  type RpcName,
} from "../rpc/cable.ts";
export type {
  Awaitable,
  ChannelContext,
  ChannelDefinition,
  ChannelHandlers,
  DisconnectOptions,
  StreamOptions,
} from "../rpc/channel.ts";
export { type Acceptance, type Rejection, type RejectOptions, reject } from "../rpc/connect.ts";
export type { CallMetadata, ConnectEnv, Connection } from "../rpc/connection.ts";
export type { Cookies } from "../rpc/cookies.ts";
export type { SecretNotice } from "../rpc/secret-comparison.ts";
export type { State } from "../rpc/state.ts";
export type { VerifyTokensOptions } from "../rpc/token-check.ts";
export type { RequestHandler } from "../tokens/token-endpoint.ts";
export { createRpcHandler, type RpcHandlerOptions } from "./rpc-handler.ts";
