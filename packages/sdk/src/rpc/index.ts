export { CableError, type ErrorCode } from "@hawser/core/errors";
export type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";
export type { ServerTls } from "../drivers/grpc.ts";
export {
  type Cable,
  type CableHandlers,
  type CableOptions,
  createCable,
  type RpcHandlers,
  type RpcName,
} from "./cable.ts";
export type {
  Awaitable,
  ChannelContext,
  ChannelDefinition,
  ChannelHandlers,
  DisconnectOptions,
  StreamOptions,
} from "./channel.ts";
export { type Acceptance, type Rejection, type RejectOptions, reject } from "./connect.ts";
export type { CallMetadata, ConnectEnv, Connection } from "./connection.ts";
export type { Cookies } from "./cookies.ts";
export type { SecretNotice } from "./secret-comparison.ts";
export { type RpcService, type ServeRpcOptions, serveRpc } from "./serve-rpc.ts";
export type { State } from "./state.ts";
export type { VerifyTokensOptions } from "./token-check.ts";
