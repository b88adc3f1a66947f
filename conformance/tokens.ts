import { inSeconds, signToken } from "../packages/server/test/support/tokens.ts";

/** The secret of every server here that looks at tokens. */
export const SECRET = "qwerty";

/** Publications' key, derived from it. */
export const BROADCAST_KEY = "42923a28b760e667fc92f7c6123bb07a282822b329dd2ef48e7aee7830d98485";

/** What the tokens below say about their owner. */
export const IDENTITY = '{"user":"ann"}';

/** A token with these claims over a good `ext` and an hour to live; undefined takes a claim away. */
export function token(
  claims: Readonly<Record<string, unknown>> = {},
  secret = SECRET,
  header?: object | string,
): string {
  return signToken(secret, { ext: IDENTITY, exp: inSeconds(3600), ...claims }, header);
}

export const GOOD = token();
export const EXPIRED = token({ exp: inSeconds(-60) });
export const FORGED = token({}, "another secret");

/** A token whose payload is this text, signed well. */
export function tokenOfText(payload: string, header?: object | string): string {
  return signToken(SECRET, payload, header);
}

export { inSeconds };
