export { CableError, type ErrorCode } from "@hawser/core/errors";
export type { HmacName } from "@hawser/core/jwt/algorithms";
export type { AuthReason } from "@hawser/core/reasons";
export type { JsonValue } from "@hawser/core/wire/strict-json";
export { type NodeListener, nodeListener } from "../drivers/node-listener.ts";
export { type CableMeta, cableMetaTags } from "./meta-tags.ts";
export {
  type Bearer,
  createTokenEndpoint,
  type RequestHandler,
  type TokenAnswer,
  type TokenEndpointOptions,
} from "./token-endpoint.ts";
export {
  type AcceptedToken,
  createTokens,
  type IssuedToken,
  type IssueOptions,
  type RefusedToken,
  type Tokens,
  type TokensOptions,
  type TokenVerdict,
} from "./tokens.ts";
