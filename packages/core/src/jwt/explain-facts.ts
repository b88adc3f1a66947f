import { durationText } from "../log-sampler.ts";
import { memberOf } from "../wire/strict-json.ts";
import { type Claims, numericDateS } from "./claims.ts";
import type { CheckName, ExplainOptions, TokenParts } from "./explain.ts";
import type { TokenHeader } from "./header.ts";
import type { IssuerPolicy } from "./issuer-policy.ts";
import { keysFor, stateAt, type VerificationKey } from "./keyring.ts";
import type { Verdict } from "./verdict.ts";

/** What there is to tell of a token, by check; empty where nothing can be read. */
export type Facts = Readonly<Record<CheckName, string>>;

interface Read {
  readonly token: string;
  readonly parts: TokenParts;
  readonly options: ExplainOptions;
  readonly verdict: Verdict;
}

export function factsOf({ token, parts, options, verdict }: Read): Facts {
  const { compact, claims, policy } = parts;
  return {
    size: `${token.length} characters, ${options.policy.maxTokenBytes} are allowed`,
    format: compact === null ? "" : "three segments of base64url",
    ...(compact === null ? NO_HEADER : headerFacts(compact.header, policy)),
    ...(compact === null || policy === null ? NO_KEYS : keyFacts(compact.header, policy, options, verdict)),
    ...(claims === null ? NO_CLAIMS : claimFacts(claims, policy, options.nowMs)),
  };
}

const NO_HEADER = { header: "", type: "" };
const NO_KEYS = { algorithm: "", key: "", signature: "", "key state": "" };
const NO_CLAIMS = {
  payload: "",
  issuer: "",
  audience: "",
  expiry: "",
  "not before": "",
  lifetime: "",
  identity: "",
};

function headerFacts({ algorithm, kid, typ }: TokenHeader, policy: IssuerPolicy | null) {
  const type = typ === null ? "no typ" : `typ is ${quoted(typ)}`;
  const wanted = policy?.type ?? null;
  return {
    header: `alg ${algorithm.name}, ${kid === null ? "no kid" : `kid ${quoted(kid)}`}`,
    type: wanted === null ? `${type}; any is taken` : `${type}; ${quoted(wanted)} is asked for`,
  };
}

function keyFacts(header: TokenHeader, policy: IssuerPolicy, options: ExplainOptions, verdict: Verdict) {
  const { ring, nowMs, keyText = (key) => key.name } = options;
  const pool = ring.poolOf(policy.issuer);
  const choice = keysFor(pool, header.algorithm, header.kid);
  const candidates = "reason" in choice ? [] : choice;
  const signer = ring.keys.find((key) => key.name === verdict.keyName);
  const algorithms = [...pool.byAlgorithm.keys()].join(", ");
  return {
    algorithm: `${header.algorithm.name}; there are keys for ${algorithms === "" ? "none" : algorithms}`,
    key: candidates.length === 0 ? kidsOf(pool.kids) : `it may be ${candidates.map(keyText).join(" or ")}`,
    signature:
      signer === undefined
        ? candidates.map((key) => `not of ${keyText(key)}`).join(", ")
        : `made with ${keyText(signer)}`,
    "key state": signer === undefined ? "" : stateText(signer, nowMs),
  };
}

function kidsOf(kids: ReadonlySet<string>): string {
  return kids.size === 0 ? "no key has a kid" : `the keys here are ${[...kids].map(quoted).join(", ")}`;
}

function stateText(key: VerificationKey, nowMs: number): string {
  const state = stateAt(key, nowMs);
  const since = key.notAfterMs === null ? "" : `, last use ${instantText(key.notAfterMs, nowMs)}`;
  const from = key.notBeforeMs === null ? "" : `, first use ${instantText(key.notBeforeMs, nowMs)}`;
  return `${key.name} is ${state === "not_yet" ? "not in use yet" : state}${from}${since}`;
}

function claimFacts(claims: Claims, policy: IssuerPolicy | null, nowMs: number) {
  const names = Object.keys(claims);
  return {
    payload: names.length === 0 ? "no claims" : `claims ${names.map(plainOrQuoted).join(", ")}`,
    issuer: askedText("iss", claims, policy?.issuer == null ? [] : [policy.issuer]),
    audience: askedText("aud", claims, policy?.audience ?? []),
    expiry: expiryText(claims, policy, nowMs),
    "not before": notBeforeText(claims, nowMs),
    lifetime: lifetimeText(claims, policy, nowMs),
    identity: identityText(claims, policy),
  };
}

function askedText(name: "iss" | "aud", claims: Claims, wanted: readonly string[]): string {
  const value = memberOf(claims, name);
  const found = value === undefined ? `no ${name}` : `${name} is ${JSON.stringify(value)}`;
  return wanted.length === 0
    ? `${found}; any is taken`
    : `${found}; ${wanted.map(quoted).join(" or ")} is asked for`;
}

function expiryText(claims: Claims, policy: IssuerPolicy | null, nowMs: number): string {
  const expS = numericDateS(claims, "exp");
  if (expS === null) return "no exp: it never expires";
  if (Number.isNaN(expS)) return "";
  const leewayS = policy?.leewayS ?? 0;
  const tolerated = leewayS === 0 ? "" : `; ${leewayS}s of leeway`;
  return `${nowMs < expS * 1000 ? "expires" : "expired"} ${instantText(expS * 1000, nowMs)}${tolerated}`;
}

function notBeforeText(claims: Claims, nowMs: number): string {
  const nbfS = numericDateS(claims, "nbf");
  if (nbfS === null) return "no nbf";
  return Number.isNaN(nbfS) ? "" : `valid from ${instantText(nbfS * 1000, nowMs)}`;
}

function lifetimeText(claims: Claims, policy: IssuerPolicy | null, nowMs: number): string {
  const expS = numericDateS(claims, "exp");
  const iatS = numericDateS(claims, "iat");
  const end = policy === null ? "" : ownEndText(claims, policy, nowMs);
  const limitS = policy?.maxLifetimeS ?? null;
  const limit = limitS === null ? "any is taken" : `${spanText(limitS * 1000)} is allowed`;
  const issued = iatS === null || Number.isNaN(iatS) ? "no iat" : `issued ${instantText(iatS * 1000, nowMs)}`;
  if (expS === null || Number.isNaN(expS) || iatS === null || Number.isNaN(iatS))
    return `${issued}; ${limit}${end}`;
  return `${issued}, for ${spanText((expS - iatS) * 1000)}; ${limit}${end}`;
}

/** Where another claim than `exp` says when connections end. */
function ownEndText(claims: Claims, { expireClaim }: IssuerPolicy, nowMs: number): string {
  const endS = expireClaim === null ? null : numericDateS(claims, expireClaim);
  if (endS === null || Number.isNaN(endS)) return "";
  return `; by ${plainOrQuoted(expireClaim ?? "")} its connections end ${instantText(endS * 1000, nowMs)}`;
}

function identityText(claims: Claims, policy: IssuerPolicy | null): string {
  const identity = policy?.identify(claims);
  return typeof identity === "string" ? identity : "";
}

/** The last instant that a `Date` can hold (ECMA-262 21.4.1.1). */
const LAST_INSTANT_MS = 8.64e15;

/** An instant as people compare it: how far it is, then when. */
export function instantText(atMs: number, nowMs: number): string {
  const distance = atMs > nowMs ? `in ${spanText(atMs - nowMs)}` : `${spanText(nowMs - atMs)} ago`;
  if (Math.abs(atMs) > LAST_INSTANT_MS) return distance;
  return `${distance} (${new Date(atMs).toISOString().replace(".000Z", "Z")})`;
}

const DAY_MS = 86_400_000;

/** A length of time; days from two on, as hours in hundreds tell nobody anything. */
export function spanText(ms: number): string {
  if (ms < 2 * DAY_MS) return durationText(ms);
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / 3_600_000);
  return hours === 0 ? `${days}d` : `${days}d${hours}h`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function plainOrQuoted(name: string): string {
  return /^[\w.:/-]+$/.test(name) ? name : quoted(name);
}
