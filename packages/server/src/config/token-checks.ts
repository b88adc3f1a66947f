import { weaknessOfText } from "@hawser/core/jwt/secret-strength";
import { EXPIRY } from "../keys/expiry/options.ts";
import { hasKeySource } from "../keys/issuer/options.ts";
import { JWT } from "../keys/options.ts";
import { GENERAL } from "./general-options.ts";
import type { AnyOption } from "./option-table.ts";
import { type Findings, type OptionValues, placeOf, sectionOf, sourcedOf, valueIn } from "./option-values.ts";
import type { ResolvedConfig } from "./resolved-config.ts";
import { usableSecret } from "./settle.ts";

/** What is wrong with the options for tokens together. */
export function checkTokens(values: OptionValues, config: ResolvedConfig): Findings {
  const weak = weakSecrets(values, config);
  const { strict } = config.jwt;
  return {
    errors: [
      ...tokensWithoutKeys(values, config),
      ...issuersInDoubt(values, config),
      ...presetsInDoubt(values),
      ...publishedKeysInDoubt(values),
      ...(strict ? weak.map((line) => `${line}; jwt_strict takes no such secret`) : []),
    ],
    warnings: [...rulesWithoutKeys(values, config), ...idlePrevious(values, config), ...(strict ? [] : weak)],
  };
}

/** DEVIATION: D5. The reference starts, and enforces nothing. */
function tokensWithoutKeys(values: OptionValues, { jwt }: ResolvedConfig): string[] {
  if (!jwt.enforce || jwt.enabled) return [];
  const { jwtSecret, enforce } = JWT.options;
  const why =
    valueIn(values, jwtSecret) === "none"
      ? `${placeOf(values, jwtSecret)} is none`
      : "there is no secret to verify them with";
  return [
    `${placeOf(values, enforce)} asks for tokens, but ${why}: set jwt_secret (ANYCABLE_JWT_SECRET), ` +
      "secret (ANYCABLE_SECRET), jwt_keys_file or jwt_jwks_url",
  ];
}

/** Rules that are about the tokens of the one issuer that options are for. */
function rulesWithoutKeys(values: OptionValues, { jwt }: ResolvedConfig): string[] {
  if (jwt.secret !== null || hasKeySource(jwt.main)) return [];
  const { issuer, preset, audience, algorithms, type, identifiers } = JWT.options;
  const { requireExp, maxLifetimeS, leewayS, strict } = JWT.options;
  const ofOne = [issuer, preset, audience, algorithms, type, identifiers, requireExp, maxLifetimeS, leewayS];
  const { sessionExpiry, expireClaim, firstMessage } = EXPIRY.options;
  const ofAll = jwt.enabled ? [] : [strict, sessionExpiry, expireClaim, firstMessage];
  const idle = [...ofOne, ...ofAll].filter(
    (option: AnyOption) => sourcedOf(values, option).source !== "default",
  );
  if (idle.length === 0) return [];
  // A preset stands for several.
  const names = [...new Set(idle.map((option) => placeOf(values, option)))].join(", ");
  return [`no effect without keys for tokens (jwt_secret, secret, jwt_keys_file or jwt_jwks_url): ${names}`];
}

function idlePrevious(values: OptionValues, { jwt }: ResolvedConfig): string[] {
  if (jwt.secret !== null || jwt.previousSecrets.length === 0) return [];
  return [`${placeOf(values, JWT.options.previousSecrets)} has no effect without jwt_secret or secret`];
}

/** Keys are looked up by issuer, so that there has to be one, and only one of its name. */
function issuersInDoubt(values: OptionValues, { jwt }: ResolvedConfig): string[] {
  const place = placeOf(values, JWT.options.issuers);
  const seen = new Set([jwt.main.issuer]);
  const errors: string[] = [];
  jwt.issuers.forEach((entry, at) => {
    const { issuer } = entry;
    const which = `table ${at + 1} of ${place}`;
    if (issuer === null) errors.push(`${which} has no issuer: say what the iss of its tokens is`);
    else if (seen.has(issuer)) errors.push(`${which} is for an issuer that has its rules already: keep one`);
    else if (!hasKeySource(entry) && entry.secret === null) {
      errors.push(`${which} has no keys: give it a keys_file, a jwks_url, an oidc_issuer or a secret_file`);
    }
    seen.add(issuer);
  });
  return errors;
}

/** The options of each issuer, and where one of them is. */
function issuerEntries(values: OptionValues) {
  const { issuers } = JWT.options;
  const tables = valueIn(values, issuers).map((entry, at) => ({
    entry,
    place: (_option: AnyOption) => `table ${at + 1} of ${placeOf(values, issuers)}`,
  }));
  return [
    { entry: sectionOf(values, JWT), place: (option: AnyOption) => placeOf(values, option) },
    ...tables,
  ];
}

/** What a public set of keys signs is for anybody: whose tokens, and which of them are for us, has to be said. */
function publishedKeysInDoubt(values: OptionValues): string[] {
  const { jwksUrl, oidcIssuer } = JWT.options;
  return issuerEntries(values).flatMap(({ entry, place }) => {
    if (entry.jwksUrl === "" && entry.oidcIssuer === "") return [];
    const which = `${place(entry.jwksUrl === "" ? oidcIssuer : jwksUrl)} names published keys`;
    const issuer = entry.issuer === "" ? entry.oidcIssuer : entry.issuer;
    const differs = entry.oidcIssuer !== "" && entry.oidcIssuer !== issuer;
    return [
      ...(issuer === "" ? [`${which} and no issuer: set jwt_issuer to what iss says`] : []),
      ...(differs ? [`${which} of another issuer than jwt_issuer: leave that out`] : []),
      ...withoutAudience(entry.audience, which),
    ];
  });
}

/** A provider has one set of keys for many customers: without the issuer and the audience, theirs would be let in. */
function presetsInDoubt(values: OptionValues): string[] {
  return issuerEntries(values).flatMap(({ entry, place }) => {
    if (entry.preset === "") return [];
    const which = `${place(JWT.options.preset)} has the preset ${entry.preset}`;
    const named = entry.issuer !== "" || entry.oidcIssuer !== "";
    return [
      ...(named ? [] : [`${which} and no issuer: set jwt_issuer to what iss says`]),
      ...withoutAudience(entry.audience, which),
    ];
  });
}

function withoutAudience(audience: readonly string[], which: string): string[] {
  return audience.length > 0
    ? []
    : [`${which} and no audience: set jwt_audience to what aud says, or * for any`];
}

function weakSecrets(values: OptionValues, { jwt }: ResolvedConfig): string[] {
  const { jwtSecret, previousSecrets } = JWT.options;
  const app = usableSecret(valueIn(values, GENERAL.options.secret));
  const own = jwt.secretOption === "jwt_secret" ? jwt.secret : null;
  const secrets: (readonly [place: string, secret: string | null])[] = [
    [placeOf(values, GENERAL.options.secret), app],
    [placeOf(values, jwtSecret), own],
    ...jwt.previousSecrets.map(
      (secret) => [`a secret of ${placeOf(values, previousSecrets)}`, secret] as const,
    ),
    ...jwt.issuers.map(({ issuer, secret }) => [`the secret of ${issuer}`, secret] as const),
  ];
  return secrets.flatMap(([place, secret]) => {
    const weakness = secret === null ? null : weaknessOfText(secret);
    return weakness === null ? [] : [`${place} ${weakness}: make one with hawser keys generate`];
  });
}
