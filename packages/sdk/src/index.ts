export { CableError, type ErrorCode } from "@hawser/core/errors";
export type { HmacName } from "@hawser/core/jwt/algorithms";
export type { AuthReason } from "@hawser/core/reasons";
export type { JsonObject, JsonValue } from "@hawser/core/wire/strict-json";
export { type Broadcaster, type BroadcasterOptions, createBroadcaster } from "./broadcast/broadcaster.ts";
export type {
  BroadcastMessage,
  BroadcastOptions,
  RemoteDisconnectOptions,
  RevocationTarget,
  RevokeOptions,
} from "./broadcast/publication.ts";
export type { ServerTls } from "./drivers/grpc.ts";
export { type NodeListener, nodeListener } from "./drivers/node-listener.ts";
export { createRpcHandler, type RpcHandlerOptions } from "./http-rpc/rpc-handler.ts";
export {
  type Cable,
  type CableHandlers,
  type CableOptions,
  createCable,
  type RpcHandlers,
  type RpcName,
} from "./rpc/cable.ts";
export type {
  Awaitable,
  ChannelContext,
  ChannelDefinition,
  ChannelHandlers,
  DisconnectOptions,
  StreamOptions,
} from "./rpc/channel.ts";
export { type Acceptance, type Rejection, type RejectOptions, reject } from "./rpc/connect.ts";
export type { CallMetadata, ConnectEnv, Connection } from "./rpc/connection.ts";
export type { Cookies } from "./rpc/cookies.ts";
export type { SecretNotice } from "./rpc/secret-comparison.ts";
export { type RpcService, type ServeRpcOptions, serveRpc } from "./rpc/serve-rpc.ts";
export type { State } from "./rpc/state.ts";
export type { VerifyTokensOptions } from "./rpc/token-check.ts";
export {
  createStreams,
  type SignedStreamVerdict,
  type Streams,
  type StreamsOptions,
  streamName,
} from "./streams/streams.ts";
export { type CableMeta, cableMetaTags } from "./tokens/meta-tags.ts";
export {
  type Bearer,
  createTokenEndpoint,
  type RequestHandler,
  type TokenAnswer,
  type TokenEndpointOptions,
} from "./tokens/token-endpoint.ts";
export {
  type AcceptedToken,
  createTokens,
  type IssuedToken,
  type IssueOptions,
  type RefusedToken,
  type Tokens,
  type TokensOptions,
  type TokenVerdict,
} from "./tokens/tokens.ts";
