import { CableError } from "@hawser/core/errors";
import { fingerprintOf } from "@hawser/core/jwt/fingerprint";
import { secretFromText } from "@hawser/core/jwt/key-material";
import { nodeCrypto } from "../drivers/crypto.ts";
import { writeErrorLine } from "../drivers/standard-error.ts";

/** Something for the operator: one line, without any secret. */
export interface SecretNotice {
  /** `warn` when something has to be done. */
  readonly level: "info" | "warn";
  /** The line. */
  readonly message: string;
}

/** Compares this application's secret with the server's, by the fingerprints that the server sends with its calls. */
export interface SecretComparison {
  /** What is answered: this application's fingerprint, for the server to compare as well. */
  answerTo(theirs: string | null): string;
}

/** What a server may call the same secret, depending on the option that it got it by. */
const PURPOSES = ["secret", "jwt_secret"] as const;

/** More servers with different secrets than these are not told apart. */
const MAX_TOLD = 16;

/** @throws CableError `config_invalid` for an empty secret. */
export function createSecretComparison(
  secret: string,
  onNotice: (notice: SecretNotice) => void,
): SecretComparison {
  if (secret === "") {
    throw new CableError("config_invalid", "Cannot compare an empty secret with the server's. Set a secret.");
  }
  const material = secretFromText(secret);
  const [own, asJwtSecret] = PURPOSES.map((purpose) => fingerprintOf(material, purpose, nodeCrypto));
  const ours: readonly (string | undefined)[] = [own, asJwtSecret];
  const told = new Set<string>();
  onNotice({
    level: "info",
    message: `The secret of this application has the fingerprint ${own} (${asJwtSecret} as a jwt_secret)`,
  });
  return {
    answerTo(theirs) {
      const listed = theirs?.split(",") ?? [];
      const same = listed.find((one) => ours.includes(one));
      if (same !== undefined) return same;
      if (theirs !== null && isList(listed) && !told.has(theirs) && told.size < MAX_TOLD) {
        told.add(theirs);
        onNotice({
          level: "warn",
          message:
            `JWT secrets differ: this application's is ${own} (${asJwtSecret} as a jwt_secret), the server's is ` +
            `${theirs}. Tokens that are made here will be refused there: give both the same secret`,
        });
      }
      return own ?? "";
    },
  };
}

/** Where notices go that nobody asked for. */
export function writeNotice({ level, message }: SecretNotice): void {
  writeErrorLine(`hawser ${level}: ${message}`);
}

/** Only what looks like fingerprints is quoted. */
function isList(listed: readonly string[]): boolean {
  return listed.length > 0 && listed.every((one) => /^[0-9a-f]{8}$/.test(one));
}
