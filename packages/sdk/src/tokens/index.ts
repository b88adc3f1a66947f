export { CableError, type ErrorCode } from "@hawser/core/errors";
export type { AlgorithmName } from "@hawser/core/jwt/algorithms";
export type { AuthReason } from "@hawser/core/reasons";
export type { JsonValue } from "@hawser/core/wire/strict-json";
export {
  type AcceptedToken,
  createTokens,
  type IssueOptions,
  type RefusedToken,
  type Tokens,
  type TokensOptions,
  type TokenVerdict,
} from "./tokens.ts";
