import { CableError } from "@hawser/core/errors";
import type { SetKey } from "@hawser/core/jwt/jwk-set";
import type { KeyRing } from "@hawser/core/jwt/keyring";
import type { VerifierPolicy } from "@hawser/core/jwt/verifier";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { nodeCrypto } from "../drivers/crypto.ts";
import { readTextFile } from "../drivers/files.ts";
import { readKeys } from "../keys/read-keys.ts";
import { nextVersions } from "../keys/secret-versions.ts";
import { tokenPolicy } from "../keys/token-policy.ts";
import type { Terminal } from "./command.ts";
import { withPublishedKeys } from "./published-keys.ts";

/**
 * The keys that options and files give a server with this configuration to verify tokens with, and their private halves
 * where a file has them.
 *
 * @throws CableError `config_invalid` when one cannot be used.
 */
export function givenKeys({ jwt }: ResolvedConfig): readonly SetKey[] {
  const versionsOf = (current: string | null, previous: readonly string[]) =>
    nextVersions([], { current, previous }, 0, 0);
  const ofIssuer = (issuer: string) =>
    versionsOf(jwt.issuers.find((one) => one.issuer === issuer)?.secret ?? null, []);
  const { keys } = readKeys(
    jwt,
    (issuer) => (issuer === null ? versionsOf(jwt.secret, jwt.previousSecrets) : ofIssuer(issuer)),
    { readFile: readTextFile, crypto: nodeCrypto, withPrivate: true },
  );
  return keys;
}

/**
 * The keys of options and files, and those that issuers publish at the moment; an issuer that cannot be asked gets a note.
 *
 * @throws CableError `config_invalid` when there are none, or one cannot be used.
 */
export async function ringOf(config: ResolvedConfig, terminal: Pick<Terminal, "note">): Promise<KeyRing> {
  const { ring, problems } = await withPublishedKeys(givenKeys(config), config);
  if (ring.keys.length === 0) throw noKeys(problems);
  for (const problem of problems) terminal.note(`hawser: ${problem}\n`);
  return ring;
}

/** @param problems why issuers that publish keys could not be asked. */
export function noKeys(problems: readonly string[]): CableError {
  const advice = "give --jwt_secret (ANYCABLE_JWT_SECRET), --secret (ANYCABLE_SECRET) or --jwt_keys_file";
  return new CableError(
    "config_invalid",
    `there is no key for tokens: ${problems.length === 0 ? advice : problems.join("; ")}`,
  );
}

export function policyOf({ jwt }: ResolvedConfig): VerifierPolicy {
  return tokenPolicy(jwt);
}
