import { CableError } from "@hawser/core/errors";
import type { RpcHandlers } from "./cable.ts";
import type { SecretNotice } from "./secret-comparison.ts";
import { createTokenCheck, type VerifyTokensOptions } from "./token-check.ts";
import { verifiedCalls } from "./verified-calls.ts";

/**
 * The application as it is to be served: with the check of tokens, where one is asked for.
 *
 * @throws CableError `config_invalid` for an empty secret, or none where tokens are to be verified.
 */
export function checkedCalls(
  cable: RpcHandlers,
  options: { readonly verifyTokens?: boolean | VerifyTokensOptions; readonly secret?: string | undefined },
  onNotice: (notice: SecretNotice) => void,
): RpcHandlers {
  const { verifyTokens = false, secret } = options;
  if (verifyTokens === false) return cable;
  if (secret === undefined) {
    throw new CableError("config_invalid", "Cannot verify tokens without the secret. Give `secret` too.");
  }
  const how = verifyTokens === true ? {} : verifyTokens;
  return verifiedCalls(cable, createTokenCheck({ secret, options: how, onNotice }));
}
