import { identityOf } from "@hawser/core/jwt/identity";
import { identityTemplate } from "@hawser/core/jwt/identity-template";
import type { IssuerPolicy } from "@hawser/core/jwt/issuer-policy";
import type { VerifierPolicy } from "@hawser/core/jwt/verifier";
import { hasKeySource, type IssuerSettings } from "./issuer/options.ts";

export interface TokenSettings {
  /** Null when no plain secret verifies tokens. */
  readonly secret: string | null;
  readonly maxTokenBytes: number;
  /** Of all issuers. */
  readonly expireClaim: string | null;
  readonly main: IssuerSettings;
  readonly issuers: readonly IssuerSettings[];
}

/** What the tokens of each issuer have to be like. Where only tables name issuers, strangers' tokens are for nobody. */
export function tokenPolicy(settings: TokenSettings): VerifierPolicy {
  const { secret, main, issuers, maxTokenBytes, expireClaim } = settings;
  const hasMain = secret !== null || hasKeySource(main) || issuers.length === 0;
  const all = [...(hasMain ? [main] : []), ...issuers];
  return { maxTokenBytes, issuers: all.map((issuer) => issuerPolicy(issuer, expireClaim)) };
}

function issuerPolicy(settings: IssuerSettings, expireClaim: string | null): IssuerPolicy {
  const { issuer, audience, type, use, identifiers, leewayS, requireExp, maxLifetimeS } = settings;
  const identify = identifiers === null ? identityOf : identityTemplate(identifiers);
  return { issuer, audience, type, use, expireClaim, identify, leewayS, requireExp, maxLifetimeS };
}
