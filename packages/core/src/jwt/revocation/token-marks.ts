import { LIMITS } from "../../limits.ts";
import { memberOf } from "../../wire/strict-json.ts";
import { type Claims, numericDateS } from "../claims.ts";

/**
 * What a taken token can be known by when it is revoked later, beside its identity. A session keeps this for as long as it
 * lives, so nothing here may hold on to the token's text.
 */
export interface TokenMarks {
  readonly jti: string | null;
  /** The claim `sid`, by which identity providers name one sign-in of a user (OpenID Connect Back-Channel Logout 2.1). */
  readonly sid: string | null;
  /** `iat`; null where there is none, or it is no number. */
  readonly issuedAtS: number | null;
  /** The name of the key, as the key or else the token says it. */
  readonly kid: string | null;
  /** Of this token and, by any odds, of no other. */
  readonly tag: number;
  readonly expiresAtMs: number | null;
  /** Of tokens that its session had before and that may still be good, the last one first. */
  readonly former?: readonly TokenMarks[];
}

/** A session that is renewed again and again is known by so many of its former tokens. */
const MOST_FORMER = 8;

/** The marks of a token that takes the place of another in a session: who has a former one could still come by it. */
export function succeed(marks: TokenMarks, before: TokenMarks | null, nowMs: number): TokenMarks {
  if (before === null) return marks;
  const former = marksOfAll(before)
    .filter(({ tag, expiresAtMs }) => tag !== marks.tag && (expiresAtMs ?? nowMs) + LEEWAY_MS > nowMs)
    .slice(0, MOST_FORMER);
  return former.length === 0 ? marks : { ...marks, former };
}

const LEEWAY_MS = LIMITS.maxLeewayS * 1000;

/** Of the token, and of each that its session had before. */
export function marksOfAll(marks: TokenMarks): readonly TokenMarks[] {
  if (marks.former === undefined) return [marks];
  const { former, ...last } = marks;
  return [last, ...former];
}

export function tokenMarks(
  claims: Claims,
  kid: string | null,
  signature: string,
  expiresAtMs: number | null,
): TokenMarks {
  const issuedAtS = numericDateS(claims, "iat");
  return {
    jti: textOf(claims, "jti"),
    sid: textOf(claims, "sid"),
    issuedAtS: Number.isNaN(issuedAtS) ? null : issuedAtS,
    kid,
    tag: tagOf(signature),
    expiresAtMs,
  };
}

/** Some issuers number their tokens. */
function textOf(claims: Claims, name: "jti" | "sid"): string | null {
  const value = memberOf(claims, name);
  if (typeof value === "string") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : null;
}

/** 48 of the signature's own bits, which are as good as chance; a double holds this many characters exactly. */
const TAG_CHARACTERS = 8;
/** The characters of base64url are from "-" to "z". */
const FIRST_CODE = 0x2d;
const CODES = 0x7b - FIRST_CODE;

/**
 * A number, because a piece of a string keeps the whole string alive. Another spelling of an ECDSA signature, (r, -s), has
 * the same beginning.
 */
function tagOf(signature: string): number {
  let tag = 0;
  for (let at = 0; at < TAG_CHARACTERS; at++) tag = tag * CODES + signature.charCodeAt(at) - FIRST_CODE;
  return tag;
}
