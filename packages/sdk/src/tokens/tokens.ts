import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import { HMAC_ALGORITHMS, type HmacName } from "@hawser/core/jwt/algorithms";
import { secretFromText } from "@hawser/core/jwt/key-material";
import { createKeyRing } from "@hawser/core/jwt/keyring";
import { signToken } from "@hawser/core/jwt/sign";
import type { Accepted, Refused } from "@hawser/core/jwt/verdict";
import { createVerifier, DEFAULT_POLICY } from "@hawser/core/jwt/verifier";
import type { AuthReason } from "@hawser/core/reasons";
import type { JsonValue } from "@hawser/core/wire/strict-json";
import { systemClock } from "../drivers/clock.ts";
import { nodeCrypto } from "../drivers/crypto.ts";
import { identifiersTextOf } from "../identifiers.ts";
import { valueOrText } from "../json.ts";

/** What tokens are made with; `secret` is all that it must. */
export interface TokensOptions {
  /** The server's `--jwt_secret`, or its `--secret` when that has none. Its UTF-8 bytes are the key. */
  readonly secret: string;
  /** How long tokens are good for, unless `issue` says otherwise: 3600; null for ever. */
  readonly ttlSeconds?: number | null;
  /** HS256 unless given. */
  readonly algorithm?: HmacName;
  /** The key's name, for servers with several keys. */
  readonly kid?: string;
  /** Where the time comes from; for tests. */
  readonly clock?: Pick<Clock, "nowMs">;
}

/** How one token differs from the others. */
export interface IssueOptions {
  /** Counted from now; negative for a token that has expired already, null for one that never does. */
  readonly expiresInSeconds?: number | null;
  /** More claims, beside `ext`, `exp` and `iat`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A token and its end. */
export interface IssuedToken {
  /** The compact JWT, for the client. */
  readonly token: string;
  /** Milliseconds since the epoch, or null when it never expires. */
  readonly expiresAtMs: number | null;
}

/** What became of a token. */
export type TokenVerdict = AcceptedToken | RefusedToken;

/** A token that the server lets in. */
export interface AcceptedToken {
  /** Tells it from a refusal. */
  readonly accepted: true;
  /** Who the bearer is: the JSON value of `ext`; its text when that is not JSON. */
  readonly identifiers: JsonValue;
  /** The same as the text of the claim. */
  readonly identifiersText: string;
  /** Milliseconds since the epoch, or null when it never expires. */
  readonly expiresAtMs: number | null;
}

/** A token that the server turns away. */
export interface RefusedToken {
  /** Tells it from an acceptance. */
  readonly accepted: false;
  /** What the server would refuse it for. */
  readonly reason: AuthReason;
  /** In words; holds nothing of the token. */
  readonly detail: string;
  /** For `expired`: how long ago, in milliseconds. */
  readonly expiredForMs: number | null;
}

/** Issues and judges the tokens by which clients say who they are. */
export interface Tokens {
  /**
   * Makes a token for whoever `identifiers` says: an object, whose JSON goes into the claim `ext`, or a text that goes
   * there as it is. Remote disconnects match that text exactly, so issue the members of an object in a fixed order.
   *
   * @throws Error when there is no JSON for the identifiers, or `claims` has `ext`, `exp` or `iat`.
   */
  issue(identifiers: object | string, options?: IssueOptions): string;
  /** The same, and when the token ends: for clients that renew it ahead of that. */
  issueWithExpiry(identifiers: object | string, options?: IssueOptions): IssuedToken;
  /** Judges a token as a server with this one secret and no more options does. Never throws. */
  verify(token: string): TokenVerdict;
}

const DEFAULT_TTL_SECONDS = 3600;
const OWN_CLAIMS = ["ext", "exp", "iat"];

/**
 * Issues tokens with one secret and judges them.
 *
 * @throws CableError `config_invalid` for an empty secret, or a lifetime that is not a finite number.
 */
export function createTokens(options: TokensOptions): Tokens {
  const { secret, algorithm, kid, ttlSeconds = DEFAULT_TTL_SECONDS, clock = systemClock } = options;
  checkLifetime("ttlSeconds", ttlSeconds);
  const material = secretFromText(secret);
  // Like the server: a secret is for the whole HMAC family, whichever of it these tokens are issued with.
  const ring = createKeyRing([
    { name: kid ?? "secret", kid: kid ?? null, algorithms: HMAC_ALGORITHMS, material, state: "active" },
  ]);
  const verifier = createVerifier({ ring: () => ring, crypto: nodeCrypto, clock, policy: DEFAULT_POLICY });
  const issueWithExpiry: Tokens["issueWithExpiry"] = (identifiers, issueOptions = {}) => {
    const { expiresInSeconds = ttlSeconds, claims = {} } = issueOptions;
    checkLifetime("expiresInSeconds", expiresInSeconds);
    checkClaims(claims);
    const iat = Math.floor(clock.nowMs() / 1000);
    const exp = expiresInSeconds === null ? null : iat + Math.floor(expiresInSeconds);
    const all = { ...claims, ext: identifiersTextOf(identifiers), ...(exp === null ? {} : { exp }), iat };
    const named = {
      ...(algorithm === undefined ? {} : { algorithm }),
      ...(kid === undefined ? {} : { kid }),
    };
    const token = signToken({ claims: all, secret: material, ...named }, nodeCrypto);
    return { token, expiresAtMs: exp === null ? null : exp * 1000 };
  };
  return {
    issueWithExpiry,
    issue: (identifiers, issueOptions) => issueWithExpiry(identifiers, issueOptions).token,
    verify(token) {
      const verdict = verifier.verify(token);
      return verdict.accepted ? acceptedToken(verdict) : refusedToken(verdict);
    },
  };
}

function acceptedToken({ identity, expiresAtMs }: Accepted): AcceptedToken {
  const identifiers = valueOrText(identity);
  return { accepted: true, identifiers, identifiersText: identity, expiresAtMs };
}

function refusedToken({ reason, detail, expiredForMs }: Refused): RefusedToken {
  return { accepted: false, reason, detail, expiredForMs };
}

function checkLifetime(name: string, seconds: number | null): void {
  if (seconds === null || Number.isFinite(seconds)) return;
  throw new CableError(
    "config_invalid",
    `Cannot issue tokens: ${name} is ${seconds}. Give a number of seconds, or null for tokens that never expire.`,
  );
}

function checkClaims(claims: Readonly<Record<string, unknown>>): void {
  const taken = OWN_CLAIMS.find((name) => Object.hasOwn(claims, name));
  if (taken === undefined) return;
  throw new Error(
    `Cannot issue a token: \`claims\` has \`${taken}\`, which comes from the identifiers and the lifetime. Leave it out.`,
  );
}
