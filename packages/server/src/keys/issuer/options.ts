import { messageOf } from "@hawser/core/errors";
import { ALGORITHMS, type AlgorithmName, algorithmNamed } from "@hawser/core/jwt/algorithms";
import { mediaType } from "@hawser/core/jwt/header";
import { identityTemplate } from "@hawser/core/jwt/identity-template";
import { LIMITS } from "@hawser/core/limits";
import { choice, flag, type Infer, integer, list, path, type Section, text } from "@hawser/core/options";
import { isKeyUrl } from "../jwks/key-url.ts";

/** What the tokens of one issuer have to be like, and what verifies them: by options, or in a table for each of several. */
export const ISSUER = {
  issuer: text({
    flag: "jwt_issuer",
    toml: "jwt.issuer",
    help: "What iss has to say. Not looked at when empty.",
  }),
  preset: choice({
    flag: "jwt_preset",
    toml: "jwt.preset",
    values: ["", "keycloak", "auth0", "firebase"],
    default: "",
    help: "Whose tokens these are: sets what is not set otherwise of algorithms, identifiers, leeway and require_exp.",
  }),
  audience: list({
    flag: "jwt_audience",
    toml: "jwt.audience",
    help: "Names of which aud has to hold one. * for any audience, and so when empty.",
  }),
  algorithms: list({
    flag: "jwt_algorithms",
    toml: "jwt.algorithms",
    help: "Algorithms to take tokens with; all that there are keys for when empty. A key without alg is for the first that suits it.",
    check: (value) => {
      const foreign = value.find((name) => algorithmNamed(name) === undefined);
      return foreign === undefined ? null : `may hold ${Object.keys(ALGORITHMS).join(", ")}`;
    },
  }),
  type: text({
    flag: "jwt_type",
    toml: "jwt.type",
    help: "What the header's typ has to say, like at+jwt. Not looked at when empty.",
  }),
  identifiers: text({
    flag: "jwt_identifiers",
    toml: "jwt.identifiers",
    placeholder: "JSON",
    help: 'Template that makes the identifiers of claims, like {"user_id":"$.sub","tenant":"$.org.id"}; the claim ext when empty.',
    check: (value) => (value === "" ? null : problemOfTemplate(value)),
  }),
  leewayS: integer({
    flag: "jwt_leeway",
    toml: "jwt.leeway",
    default: 0,
    max: LIMITS.maxLeewayS,
    placeholder: "SECONDS",
    help: "How far, in seconds, the issuer's clock may be from ours.",
  }),
  requireExp: flag({
    flag: "jwt_require_exp",
    toml: "jwt.require_exp",
    help: "Refuse tokens that never expire.",
  }),
  maxLifetimeS: integer({
    flag: "jwt_max_lifetime",
    toml: "jwt.max_lifetime",
    default: 0,
    placeholder: "SECONDS",
    help: "Longest time in seconds from a token's iat to its exp. 0 sets no limit.",
  }),
  keysFile: path({
    flag: "jwt_keys_file",
    toml: "jwt.keys_file",
    help: "File of keys for tokens: a JWK Set, whose keys may have a state, nbf and exp, or public keys in PEM. Read again when it changes.",
  }),
  jwksUrl: text({
    flag: "jwt_jwks_url",
    toml: "jwt.jwks_url",
    placeholder: "URL",
    help: "Where the issuer publishes its keys, a JWK Set; https, or http on this machine. Needs an issuer and an audience.",
    check: checkKeyUrl,
  }),
  oidcIssuer: text({
    flag: "jwt_oidc_issuer",
    toml: "jwt.oidc_issuer",
    placeholder: "URL",
    help: "Issuer whose OpenID Connect discovery document says where its keys are; also what iss has to say. Needs an audience.",
    check: checkKeyUrl,
  }),
} as const;

function checkKeyUrl(value: string): string | null {
  return value === "" || isKeyUrl(value)
    ? null
    : "must be an https URL, or http on this machine, without a user in it";
}

function problemOfTemplate(template: string): string | null {
  try {
    identityTemplate(template);
    return null;
  } catch (thrown) {
    return `is no template: ${messageOf(thrown)}`;
  }
}

/** What the tokens of an identity provider are like, where its documentation is the same for everybody. */
export interface TokenPreset {
  /** Template of the identifiers. */
  readonly identifiers: string;
  readonly algorithms: readonly AlgorithmName[];
  readonly requireExp: boolean;
  /** Clocks that nobody here sets are a little apart. */
  readonly leewayS: number;
  /** The claim that tells access tokens from others. */
  readonly use: { readonly claim: string; readonly value: string } | null;
}

const RSA_ONLY = ["RS256"] as const;
const BY_SUBJECT = '{"user_id":"$.sub"}';

/** They stand in for what the options leave open, and an option that is set wins. */
export const TOKEN_PRESETS = {
  /** Access tokens: `typ` is `Bearer`, where ID tokens say `ID` and refresh tokens `Refresh`. */
  keycloak: {
    identifiers: BY_SUBJECT,
    algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
    requireExp: true,
    leewayS: 10,
    use: { claim: "typ", value: "Bearer" },
  },
  /** Access tokens for an API of one's own; the audience is the API's identifier. */
  auth0: { identifiers: BY_SUBJECT, algorithms: RSA_ONLY, requireExp: true, leewayS: 10, use: null },
  /** ID tokens: `iss` is `https://securetoken.google.com/PROJECT` and `aud` the project. */
  firebase: { identifiers: BY_SUBJECT, algorithms: RSA_ONLY, requireExp: true, leewayS: 10, use: null },
} as const satisfies Record<string, TokenPreset>;

export type TokenPresetName = keyof typeof TOKEN_PRESETS;

/** What verifies the tokens of one issuer, and what they have to be like. */
export interface IssuerSettings {
  /** What `iss` has to say; null when it is not looked at. */
  readonly issuer: string | null;
  /** Null when it is not looked at. */
  readonly audience: readonly string[] | null;
  /** Null for all that there are keys for. */
  readonly algorithms: readonly AlgorithmName[] | null;
  /** As `mediaType` writes it. */
  readonly type: string | null;
  readonly use: TokenPreset["use"];
  /** Null for the claim `ext`. */
  readonly identifiers: string | null;
  readonly leewayS: number;
  readonly requireExp: boolean;
  readonly maxLifetimeS: number | null;
  readonly keysFile: string | null;
  /** Where the issuer publishes its keys; null when it does not, or when its discovery document says where. */
  readonly jwksUrl: string | null;
  /** Ask the issuer's discovery document. */
  readonly discovery: boolean;
}

/** Whether an issuer has keys of its own, besides a plain secret. */
export function hasKeySource({ keysFile, jwksUrl, discovery }: IssuerSettings): boolean {
  return keysFile !== null || jwksUrl !== null || discovery;
}

const DAY_S = 24 * 60 * 60;

/** The options of one issuer as the code reads them: what they leave open comes from the preset, then from `strict`. */
export function issuerSettings(options: Infer<Section<typeof ISSUER>>, strict: boolean): IssuerSettings {
  const preset: TokenPreset | null = options.preset === "" ? null : TOKEN_PRESETS[options.preset];
  const named = options.algorithms.flatMap((name) => algorithmNamed(name)?.name ?? []);
  const { audience, maxLifetimeS } = options;
  return {
    issuer: emptyToNull(options.issuer) ?? emptyToNull(options.oidcIssuer),
    audience: audience.length === 0 || audience.includes("*") ? null : audience,
    algorithms: named.length > 0 ? named : (preset?.algorithms ?? null),
    type: options.type === "" ? null : mediaType(options.type),
    use: preset?.use ?? null,
    identifiers: emptyToNull(options.identifiers) ?? preset?.identifiers ?? null,
    leewayS: options.leewayS > 0 ? options.leewayS : (preset?.leewayS ?? 0),
    requireExp: options.requireExp || strict || (preset?.requireExp ?? false),
    maxLifetimeS: maxLifetimeS > 0 ? maxLifetimeS : strict ? DAY_S : null,
    keysFile: emptyToNull(options.keysFile),
    jwksUrl: emptyToNull(options.jwksUrl),
    discovery: options.oidcIssuer !== "" && options.jwksUrl === "",
  };
}

function emptyToNull(text: string): string | null {
  return text === "" ? null : text;
}
