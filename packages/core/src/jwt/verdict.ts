import type { AuthReason } from "../reasons.ts";
import type { TokenMarks } from "./revocation/token-marks.ts";

/** What became of a token. Nothing throws on a bad token: a refusal is a value. */
export type Verdict = Accepted | Refused;

export interface Accepted {
  readonly accepted: true;
  /** The claim `ext`, byte for byte: the connection's identifiers from now on. */
  readonly identity: string;
  /** The name of the key that verified the signature; safe to log and to label metrics with. */
  readonly keyName: string;
  /** The payload segment as it stood in the token: canonical base64url of the verified claims' JSON. */
  readonly claimsSegment: string;
  /** `exp` in milliseconds since the epoch, or null when the token never expires. */
  readonly expiresAtMs: number | null;
  /** What it can be known by when it is revoked. */
  readonly marks: TokenMarks;
  /** When a connection that came with it has to end: `exp`, or the claim that stands in for it, and the leeway. */
  readonly connectionEndsAtMs: number | null;
}

export interface Refused {
  readonly accepted: false;
  readonly reason: AuthReason;
  /** The key that verified the signature, when one did; else null. */
  readonly keyName: string | null;
  /** For the operator: which rule, in words; never any part of the token. */
  readonly detail: string;
  /** For `expired`: how long ago, in milliseconds. */
  readonly expiredForMs: number | null;
}
