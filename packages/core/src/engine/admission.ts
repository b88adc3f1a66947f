import type { Accepted, Verdict } from "../jwt/verdict.ts";
import type { AuthReason, Farewell } from "../reasons.ts";

/** Where a token was found; `none` where there was none. */
export type Carrier = "header" | "subprotocol" | "query" | "none";

/** What a client brought to be let in with. */
export interface Credentials {
  /** Null when there was none; an empty one counts as none. */
  readonly token: string | null;
  readonly carrier: Carrier;
  /** The query string had to be searched for a token and cannot be parsed (`%zz`, `;`). */
  readonly queryMalformed: boolean;
  /** It came with two different tokens, and is to be refused for that. */
  readonly ambiguous?: boolean;
}

export interface AdmissionPolicy {
  /** Null when tokens are not looked at (no secret). */
  readonly verify: ((token: string) => Verdict) | null;
  /** `--enforce_jwt`: without a token nobody is let in. */
  readonly enforceJwt: boolean;
  /** `--noauth`: whoever was not identified by a token is let in under an identity of its own. */
  readonly noAuth: boolean;
  /** `--rpc_after_jwt=enforce`: a good token is not enough, the application is asked as well. */
  readonly rpcAfterJwt: boolean;
  /** Whether there is an application to ask. */
  readonly hasBackend: boolean;
  /** How who is refused for this reason is told. */
  readonly farewell: (reason: AuthReason) => Farewell;
}

/** What to do with a client. `token` is the verified one, where there was one. */
export type Admission =
  | { readonly kind: "admit"; readonly identifiers: string; readonly token: Accepted | null }
  | { readonly kind: "ask_backend"; readonly token: Accepted | null }
  | { readonly kind: "refuse"; readonly refusal: Refusal }
  | { readonly kind: "refuse_unconfigured" };

export interface Refusal {
  readonly reason: AuthReason;
  readonly keyName: string | null;
  readonly detail: string;
  readonly expiredForMs: number | null;
}

/**
 * Who is let in (anycable identity/{jwt,public}.go@1.6.16): the token decides if there is one, and a bad one is final;
 * without one, the public identity, then the application.
 */
export function decideAdmission(policy: AdmissionPolicy, credentials: Credentials, sid: string): Admission {
  if (policy.verify !== null) {
    if (credentials.ambiguous) return refuse("malformed", "the request carries two different tokens");
    if (credentials.token !== null) return admitByToken(policy, policy.verify(credentials.token));
    // DEVIATION: D3. The reference closes 1011 without a message.
    if (credentials.queryMalformed) return refuse("malformed", "the query string cannot be parsed");
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

function admitByToken(policy: AdmissionPolicy, verdict: Verdict): Admission {
  if (!verdict.accepted) return { kind: "refuse", refusal: verdict };
  if (policy.rpcAfterJwt) return { kind: "ask_backend", token: verdict };
  return { kind: "admit", identifiers: verdict.identity, token: verdict };
}

function refuse(reason: AuthReason, detail: string): Admission {
  return { kind: "refuse", refusal: { reason, keyName: null, detail, expiredForMs: null } };
}
