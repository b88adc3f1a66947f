import { CableError } from "@hawser/core/errors";
import { deriveKey } from "@hawser/core/signed/derive";
import { equalTexts, hmacSha256Hex } from "../drivers/crypto.ts";

/** What a server may present. */
export interface BearerKeys {
  readonly key?: string | undefined;
  readonly secret?: string | undefined;
  readonly furtherKeys?: readonly string[] | undefined;
  readonly furtherSecrets?: readonly string[] | undefined;
  readonly open?: boolean | undefined;
}

/**
 * Whether an `Authorization` header is that of the server.
 *
 * @throws CableError `config_invalid` when nothing is to be checked and it is not said so, or a text is empty.
 */
export function createBearerCheck(keys: BearerKeys): (header: string | null) => boolean {
  const accepted = acceptedKeys(keys).map((key) => `Bearer ${key}`);
  if (accepted.length === 0) return () => true;
  return (header) => {
    if (header === null) return false;
    let known = false;
    // Each is compared, so that the time says nothing of which it was.
    for (const one of accepted) known = equalTexts(header, one) || known;
    return known;
  };
}

function acceptedKeys({
  key,
  secret,
  furtherKeys = [],
  furtherSecrets = [],
  open = false,
}: BearerKeys): string[] {
  const secrets = [...(key === undefined && secret !== undefined ? [secret] : []), ...furtherSecrets];
  const own = [...(key === undefined ? [] : [key]), ...furtherKeys];
  if ([...secrets, ...own].includes("")) {
    throw invalid("an empty secret or key is none. Leave it out, or set the variable that it comes from.");
  }
  if (open) {
    if (own.length > 0) throw invalid("`open` and a key exclude each other. Drop one of them.");
    return [];
  }
  if (key === undefined && secret === undefined) {
    throw invalid(
      "whoever can call it can speak for any client. Give it the server's `secret` (or `key`, its " +
        "--http_rpc_secret), or say `open: true` where nobody else can reach it.",
    );
  }
  return [...own, ...secrets.map((one) => deriveKey(one, "rpc", hmacSha256Hex))];
}

function invalid(why: string): CableError {
  return new CableError("config_invalid", `Cannot serve RPC over HTTP: ${why}`);
}
