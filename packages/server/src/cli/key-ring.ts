import { CableError } from "@hawser/core/errors";
import type { SetKey } from "@hawser/core/jwt/jwk-set";
import { createKeyRing, type KeyRing } from "@hawser/core/jwt/keyring";
import type { VerifierPolicy } from "@hawser/core/jwt/verifier";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { nodeCrypto } from "../drivers/crypto.ts";
import { readTextFile } from "../drivers/files.ts";
import { readKeys } from "../keys/read-keys.ts";
import { nextVersions } from "../keys/secret-versions.ts";
import { tokenPolicy } from "../keys/token-policy.ts";

/**
 * The keys that a server with this configuration would verify tokens with, and their private halves where a file has
 * them.
 *
 * @throws CableError `config_invalid` when there are none, or one cannot be used.
 */
export function keysOf({ jwt }: ResolvedConfig): readonly SetKey[] {
  const versionsOf = (current: string | null, previous: readonly string[]) =>
    nextVersions([], { current, previous }, 0, 0);
  const ofIssuer = (issuer: string) =>
    versionsOf(jwt.issuers.find((one) => one.issuer === issuer)?.secret ?? null, []);
  const { keys } = readKeys(
    jwt,
    (issuer) => (issuer === null ? versionsOf(jwt.secret, jwt.previousSecrets) : ofIssuer(issuer)),
    { readFile: readTextFile, crypto: nodeCrypto, withPrivate: true },
  );
  if (keys.length > 0) return keys;
  throw new CableError(
    "config_invalid",
    "there is no key for tokens: give --jwt_secret (ANYCABLE_JWT_SECRET), --secret (ANYCABLE_SECRET) or --jwt_keys_file",
  );
}

export function ringOf(config: ResolvedConfig): KeyRing {
  return createKeyRing(keysOf(config));
}

export function policyOf({ jwt }: ResolvedConfig): VerifierPolicy {
  return tokenPolicy(jwt);
}
