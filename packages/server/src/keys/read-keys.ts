import { CableError, messageOf } from "@hawser/core/errors";
import { type AlgorithmName, HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import type { PublicKeyReader } from "@hawser/core/jwt/crypto";
import type { SetKey } from "@hawser/core/jwt/jwk-set";
import { readKeyFile } from "@hawser/core/jwt/key-file";
import { secretFromText } from "@hawser/core/jwt/key-material";
import type { KeySpec } from "@hawser/core/jwt/keyring";
import { weaknessOf } from "@hawser/core/jwt/secret-strength";
import { LIMITS } from "@hawser/core/limits";
import type { IssuerSettings } from "./issuer/options.ts";
import type { SecretVersion } from "./secret-versions.ts";

/** Where the keys for tokens come from. */
export interface KeySettings {
  readonly secretOption: "jwt_secret" | "secret";
  readonly strict: boolean;
  readonly main: IssuerSettings;
  readonly issuers: readonly (IssuerSettings & { readonly secret: string | null })[];
}

export interface KeyParts {
  readonly readFile: (path: string) => string;
  readonly crypto: PublicKeyReader;
  /** Whether the private halves in files are wanted, to sign with. */
  readonly withPrivate: boolean;
}

export interface KeysRead {
  readonly keys: readonly SetKey[];
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

/** The versions of the plain secret of an issuer; null for the one that options are for. */
export type SecretsOf = (issuer: string | null) => readonly SecretVersion[];

/**
 * Every key that options and files give.
 *
 * @throws CableError `io_failed` or `config_invalid`, saying which file or key, why, and what to do.
 */
export function readKeys(settings: KeySettings, secretsOf: SecretsOf, parts: KeyParts): KeysRead {
  const warnings: string[] = [];
  const { main, issuers, secretOption } = settings;
  const keys = [
    ...plainKeys(secretsOf(null), main.issuer, "", `--${secretOption}`),
    ...fromFile(main, "", parts),
    ...issuers.flatMap((one) => ofIssuer(one, secretsOf(one.issuer), parts)),
  ];
  const usable = [main, ...issuers].flatMap((issuer) =>
    narrowed(
      keys.filter((key) => key.issuer === issuer.issuer),
      issuer,
      warnings,
    ),
  );
  const weak = usable.flatMap(weaknessOfKey);
  if (settings.strict && weak[0] !== undefined) {
    throw new CableError("config_invalid", `Cannot use ${weak[0]}; jwt_strict takes no such secret.`);
  }
  return { keys: usable, warnings: [...warnings, ...weak, ...untried(usable)] };
}

function ofIssuer(
  issuer: IssuerSettings,
  secrets: readonly SecretVersion[],
  parts: KeyParts,
): readonly SetKey[] {
  const prefix = `${issuer.issuer}/`;
  return [
    ...plainKeys(secrets, issuer.issuer, prefix, "secret_file of jwt.issuers"),
    ...fromFile(issuer, prefix, parts),
  ];
}

function plainKeys(
  secrets: readonly SecretVersion[],
  issuer: string | null,
  namePrefix: string,
  source: string,
): readonly SetKey[] {
  return secrets.map(({ name, text, current, untilMs }) => ({
    name: namePrefix + name,
    ...{ kid: null, algorithms: HMAC_ALGORITHMS, material: secretFromText(text), signing: null },
    state: current ? "active" : "verify-only",
    notAfterMs: untilMs,
    issuer,
    source,
  }));
}

function fromFile(
  { keysFile, issuer, algorithms }: IssuerSettings,
  namePrefix: string,
  parts: KeyParts,
): readonly SetKey[] {
  if (keysFile === null) return [];
  const { crypto, withPrivate } = parts;
  const preferred = algorithms ?? [];
  return readKeyFile(textOf(keysFile, parts), {
    ...{ crypto, withPrivate, preferred, issuer, namePrefix },
    source: keysFile,
  });
}

function textOf(path: string, { readFile }: KeyParts): string {
  try {
    return readFile(path);
  } catch (thrown) {
    const why = messageOf(thrown).split("\n", 1)[0];
    throw new CableError(
      "io_failed",
      `Cannot read the keys of ${path}: ${why}; check the path and its permissions.`,
      {
        cause: thrown,
      },
    );
  }
}

/** Without the algorithms that the issuer's tokens may not have. */
function narrowed(keys: readonly SetKey[], issuer: IssuerSettings, warnings: string[]): readonly SetKey[] {
  const { algorithms } = issuer;
  if (algorithms === null) return keys;
  const left = keys.flatMap((key) => {
    const kept = key.algorithms.filter((name) => algorithms.includes(name));
    if (kept.length > 0) return [{ ...key, algorithms: kept }];
    // The application's secret is there for other things too.
    if (key.source !== "--secret") {
      warnings.push(
        `the key ${JSON.stringify(key.name)} of ${key.source} is for ${key.algorithms.join(", ")}, ` +
          `and jwt_algorithms is ${algorithms.join(", ")}: it verifies nothing`,
      );
    }
    return [];
  });
  if (keys.length === 0 || left.length > 0) return left;
  throw new CableError(
    "config_invalid",
    `Cannot verify tokens: no key is left for ${algorithms.join(", ")} (jwt_algorithms). ` +
      "Name an algorithm that there is a key for, or give a key with jwt_keys_file.",
  );
}

/** Plain secrets are judged with the options; here those of files. */
function weaknessOfKey({ name, material, source, state }: SetKey): string[] {
  if (material.kind !== "secret" || state === "revoked" || source.startsWith("--")) return [];
  const weakness = weaknessOf(material.reveal());
  return weakness === null ? [] : [`the key ${JSON.stringify(name)} of ${source}: it ${weakness}`];
}

/** A token without `kid` is tried with so many keys and no more. */
function untried(keys: readonly KeySpec[]): string[] {
  const counts = new Map<string, { readonly algorithm: AlgorithmName; count: number }>();
  for (const { issuer, algorithms } of keys) {
    for (const algorithm of algorithms) {
      const id = JSON.stringify([issuer, algorithm]);
      const entry = counts.get(id) ?? { algorithm, count: 0 };
      entry.count++;
      counts.set(id, entry);
    }
  }
  return [...counts.values()]
    .filter(({ count }) => count > LIMITS.maxKeysTried)
    .map(
      ({ algorithm, count }) =>
        `there are ${count} keys for ${algorithm}, and a token without kid is tried with ${LIMITS.maxKeysTried} of them`,
    );
}
