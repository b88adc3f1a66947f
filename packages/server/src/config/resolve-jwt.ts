import { EXPIRY } from "../keys/expiry/options.ts";
import { hasKeySource, issuerSettings } from "../keys/issuer/options.ts";
import { JWT } from "../keys/options.ts";
import { type OptionValues, sectionOf } from "./option-values.ts";
import type { ResolvedConfig } from "./resolved-config.ts";
import { usableSecret } from "./settle.ts";

/** What verifies tokens, and what they have to be like. `issuerSecrets` are by the path of their file. */
export function resolveJwt(
  values: OptionValues,
  appSecret: string,
  issuerSecrets: ReadonlyMap<string, string>,
): ResolvedConfig["jwt"] {
  const options = sectionOf(values, JWT);
  const { jwtSecret, strict } = options;
  const { sessionExpiry, expireClaim, firstMessage, ...expiry } = sectionOf(values, EXPIRY);
  const secret = usableSecret(jwtSecret === "" ? appSecret : jwtSecret);
  const main = issuerSettings(options, strict);
  const issuers = options.issuers.map((entry) => ({
    ...issuerSettings(entry, strict),
    secret: issuerSecrets.get(entry.secretFile) ?? null,
  }));
  return {
    enabled: secret !== null || hasKeySource(main) || issuers.length > 0,
    secret,
    secretOption: jwtSecret === "" ? "secret" : "jwt_secret",
    previousSecrets: options.previousSecrets,
    overlapMs: options.overlapS * 1000,
    differAfterMs: options.differAfterS * 1000,
    param: options.param,
    enforce: options.enforce,
    maxTokenBytes: options.maxTokenBytes,
    retiredAs: options.retiredAs,
    mismatchReconnect: options.mismatchReconnect,
    strict,
    main,
    issuers,
    expireClaim: expireClaim === "" ? null : expireClaim,
    firstMessage,
    expiry: { closes: sessionExpiry === "close", ...expiry },
    jwksMaxStaleMs: options.jwksMaxStaleS * 1000,
    jwksCacheFolder: options.jwksCache === "" ? null : options.jwksCache,
  };
}
