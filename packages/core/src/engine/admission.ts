import type { Accepted, Refused, Verdict } from "../jwt/verdict.ts";
import type { AuthReason, Farewell } from "../reasons.ts";

/** Where a token was found; `none` where there was none. */
export type Carrier = "header" | "subprotocol" | "query" | "message" | "none";

/** What a client brought to be let in with. */
export interface Credentials {
  /** Null when there was none; an empty one counts as none. */
  readonly token: string | null;
  readonly carrier: Carrier;
  /** The query string had to be searched for a token and cannot be parsed (`%zz`, `;`). */
  readonly queryMalformed: boolean;
  /** It came with two different tokens, and is to be refused for that. */
  readonly ambiguous?: boolean;
  /** The session that it had and wants back. */
  readonly formerSid?: string;
  /** Without a token so far, it is to bring one in its first message (`--jwt_first_message`). */
  readonly mayFollow?: boolean;
}

export interface AdmissionPolicy {
  /** Null when tokens are not looked at (no secret). */
  readonly verify: ((token: string) => Verdict) | null;
  /** `--enforce_jwt`: without a token nobody is let in. */
  readonly enforceJwt: boolean;
  /** `--noauth`: whoever was not identified by a token is let in under an identity of its own. */
  readonly noAuth: boolean;
  /**
   * `--rpc_after_jwt`. `enforce`: a good token is not enough, the application is asked as well. `shadow`: it is asked
   * too, but only to see where it would have decided otherwise.
   */
  readonly rpcAfterJwt: "off" | "enforce" | "shadow";
  /** Whether there is an application to ask. */
  readonly hasBackend: boolean;
  /** Where a connection's token is among what the application is told: the query parameter, or `x-` and this name. */
  readonly tokenParam: string;
  /** Keys that come over the network; null where none do. */
  readonly missingKeys: MissingKeys | null;
  /** How who is refused for this reason is told. */
  readonly farewell: (reason: AuthReason) => Farewell;
}

/** Keys that a token may name before this server has them. Asked directly after the token's verdict. */
export interface MissingKeys {
  /** What to wait for before that token is judged again; null to take the verdict as it is. */
  arrival(): Promise<void> | null;
  /** Its issuer might have the key and could not be asked: whatever the token is, it cannot be judged now. */
  readonly isBlind: boolean;
}

/** What to do with a client. `token` is the verified one, where there was one. */
export type Admission =
  | { readonly kind: "admit"; readonly identifiers: string; readonly token: Accepted | null }
  | { readonly kind: "ask_backend"; readonly token: Accepted | null }
  | { readonly kind: "await_keys"; readonly arrival: Promise<void> }
  | { readonly kind: "await_token" }
  | { readonly kind: "refuse"; readonly refusal: Refusal }
  | { readonly kind: "refuse_unconfigured" };

export interface Refusal {
  readonly reason: AuthReason;
  readonly keyName: string | null;
  readonly detail: string;
  readonly expiredForMs: number | null;
  /** It is not the token's fault, and may be different soon. */
  readonly reconnect?: boolean;
}

/**
 * Who is let in (anycable identity/{jwt,public}.go@1.6.16): the token decides if there is one, and a bad one is final;
 * without one, the public identity, then the application.
 *
 * @param mayWait whether the token may wait for its key, which it does once.
 */
export function decideAdmission(
  policy: AdmissionPolicy,
  credentials: Credentials,
  sid: string,
  mayWait = true,
): Admission {
  if (policy.verify !== null) {
    if (credentials.ambiguous) return refuse("malformed", "the request carries two different tokens");
    if (credentials.token !== null) {
      return admitByToken(policy, policy.verify(credentials.token), mayWait);
    }
    // DEVIATION: D3. The reference closes 1011 without a message.
    if (credentials.queryMalformed) return refuse("malformed", "the query string cannot be parsed");
    if (credentials.mayFollow) return { kind: "await_token" };
    if (policy.enforceJwt) return refuse("missing", "no token, and --enforce_jwt is set");
  }
  if (policy.noAuth) {
    return { kind: "admit", identifiers: `{"sid":${JSON.stringify(sid)}}`, token: null };
  }
  if (policy.hasBackend) return { kind: "ask_backend", token: null };
  return policy.verify === null
    ? { kind: "refuse_unconfigured" }
    : refuse("missing", "no token, and no RPC backend that could let the client in without one");
}

function admitByToken(policy: AdmissionPolicy, verdict: Verdict, mayWait: boolean): Admission {
  if (!verdict.accepted) return refuseToken(policy, verdict, mayWait);
  if (policy.rpcAfterJwt === "enforce") return { kind: "ask_backend", token: verdict };
  return { kind: "admit", identifiers: verdict.identity, token: verdict };
}

function refuseToken({ missingKeys }: AdmissionPolicy, verdict: Refused, mayWait: boolean): Admission {
  if (missingKeys === null) return { kind: "refuse", refusal: verdict };
  const arrival = mayWait ? missingKeys.arrival() : null;
  if (arrival !== null) return { kind: "await_keys", arrival };
  return { kind: "refuse", refusal: missingKeys.isBlind ? KEYS_UNAVAILABLE : verdict };
}

const KEYS_UNAVAILABLE: Refusal = {
  reason: "unknown_key",
  keyName: null,
  detail: "the token names a key that is not known here, and its issuer could not be asked just now",
  expiredForMs: null,
  reconnect: true,
};

function refuse(reason: AuthReason, detail: string): Admission {
  return { kind: "refuse", refusal: { reason, keyName: null, detail, expiredForMs: null } };
}
