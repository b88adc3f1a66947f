import { CableError } from "@hawser/core/errors";
import { DEFAULT_ISSUER } from "@hawser/core/jwt/issuer-policy";
import { type KeyRing, ringOfSecret } from "@hawser/core/jwt/keyring";
import type { VerifierPolicy } from "@hawser/core/jwt/verifier";
import type { ResolvedConfig } from "../config/resolved-config.ts";

/**
 * The keys that a server with this configuration would verify tokens with.
 *
 * @throws CableError `config_invalid` when there are none.
 */
export function ringOf({ jwt }: ResolvedConfig): KeyRing {
  if (jwt.secret !== null) return ringOfSecret(jwt.secret);
  throw new CableError(
    "config_invalid",
    "there is no key for tokens: give --jwt_secret (ANYCABLE_JWT_SECRET) or --secret (ANYCABLE_SECRET)",
  );
}

export function policyOf({ jwt }: ResolvedConfig): VerifierPolicy {
  const { leewayS, requireExp, maxLifetimeS, maxTokenBytes } = jwt;
  return { maxTokenBytes, issuers: [{ ...DEFAULT_ISSUER, leewayS, requireExp, maxLifetimeS }] };
}
