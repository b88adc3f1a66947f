import type { Clock } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import { HMAC_ALGORITHMS } from "@hawser/core/jwt/algorithms";
import { DEFAULT_ISSUER } from "@hawser/core/jwt/issuer-policy";
import { secretFromText } from "@hawser/core/jwt/key-material";
import { createKeyRing, type KeySpec } from "@hawser/core/jwt/keyring";
import type { Verdict } from "@hawser/core/jwt/verdict";
import { createVerifier, DEFAULT_POLICY } from "@hawser/core/jwt/verifier";
import { fingerprint } from "@hawser/core/options";
import type { JsonObject } from "@hawser/core/wire/strict-json";
import type { Env } from "@hawser/proto/gen/rpc";
import { systemClock } from "../drivers/clock.ts";
import { hmacSha256Hex, nodeCrypto } from "../drivers/crypto.ts";
import { type CallMetadata, claimsOf } from "./connection.ts";
import type { SecretNotice } from "./secret-comparison.ts";

/** What `verifyTokens` may be told besides true. */
export interface VerifyTokensOptions {
  /** Secrets that this application has issued tokens with before, whose clients are still there. */
  readonly previousSecrets?: readonly string[];
  /** The server's `--jwt_param`, when that is not `jid`. */
  readonly tokenParam?: string;
  /** The server's `--jwt_leeway`; 0 unless given. */
  readonly leewaySeconds?: number;
}

/** Why a call is not answered as it asks. */
export interface TokenRefusal {
  /** One line for the server's log; holds nothing of the token. */
  readonly message: string;
  /** Whether a fresh token would do. */
  readonly expired: boolean;
}

/** Judges the token that a call came with, beside what the server says of it. */
export interface TokenCheck {
  /**
   * Null when there is nothing against the call.
   *
   * @param connected the client is let in already, so that its token may have expired since.
   */
  refusalOf(env: Env | undefined, metadata: CallMetadata, connected: boolean): TokenRefusal | null;
}

export interface TokenCheckParts {
  readonly secret: string;
  readonly options: VerifyTokensOptions;
  readonly onNotice: (notice: SecretNotice) => void;
  readonly clock?: Pick<Clock, "nowMs">;
}

/** Lines of one kind are this far apart: whoever the layers disagree about comes back and again. */
const NOTICE_EVERY_MS = 10_000;

/** @throws CableError `config_invalid` for an empty secret, or a leeway out of its range. */
export function createTokenCheck({
  secret,
  options,
  onNotice,
  clock = systemClock,
}: TokenCheckParts): TokenCheck {
  const { previousSecrets = [], tokenParam = "jid", leewaySeconds = 0 } = options;
  const ring = createKeyRing([secret, ...previousSecrets].map(keyOf));
  // Who the bearer is follows from the server's options, which are not known here; the claims it follows from are compared.
  const issuer = { ...DEFAULT_ISSUER, leewayS: leewaySeconds, identify: () => "" };
  const policy = { ...DEFAULT_POLICY, issuers: [issuer] };
  const verifier = createVerifier({ ring: () => ring, crypto: nodeCrypto, clock, policy });
  const notices = spacedNotices(onNotice, clock);
  const own = fingerprint(hmacSha256Hex, secret, "secret");
  return {
    refusalOf(env, metadata, connected) {
      const found = tokenIn(env, tokenParam);
      if (found === null) {
        if (metadata.jwtIdentity === null) return null;
        const why = `no token came with verified claims; set tokenParam to the server's --jwt_param (here ${tokenParam})`;
        return refuse("missing", why, false);
      }
      const verdict = verifier.verify(found);
      if (!verdict.accepted && !(connected && verdict.reason === "expired")) {
        return refuse(verdict.reason, wordsFor(verdict, own), verdict.reason === "expired");
      }
      const differing = verdict.accepted ? differingClaim(verdict.claimsSegment, metadata.jwtIdentity) : null;
      if (differing === null) return null;
      return refuse("claims", `the claim ${differing} is not what the server passed on`, false);
      function refuse(kind: string, why: string, expired: boolean): TokenRefusal {
        const message = `the application does not take the token that the server took: ${kind}: ${why}`;
        notices(kind, `Token refused (session ${metadata.sid}): ${message}`);
        return { message, expired };
      }
    },
  };
}

function keyOf(secret: string, at: number): KeySpec {
  const name = at === 0 ? "secret" : `previous-${at}`;
  if (secret === "") {
    throw new CableError("config_invalid", `Cannot verify tokens: ${name} is an empty secret. Leave it out.`);
  }
  return {
    ...{ name, kid: null, algorithms: HMAC_ALGORITHMS, material: secretFromText(secret) },
    state: at === 0 ? "active" : "verify-only",
  };
}

/** As the server looks for it; one that came as a sub-protocol is forwarded as a header as well. */
function tokenIn(env: Env | undefined, param: string): string | null {
  const header = env?.headers[`x-${param.toLowerCase()}`] ?? "";
  if (header !== "") return header;
  const url = env?.url ?? "";
  const token = URL.canParse(url) ? new URL(url).searchParams.get(param) : null;
  return token === "" ? null : token;
}

function wordsFor(verdict: Verdict & { readonly accepted: false }, own: string): string {
  const signed = verdict.reason === "bad_signature" || verdict.reason === "alg_not_allowed";
  return signed ? `${verdict.detail} (the secret here has the fingerprint ${own})` : verdict.detail;
}

/** The name of a claim, quoted; null when all are the same, or the server passes none on. */
function differingClaim(ours: string, theirs: string | null): string | null {
  if (theirs === null || ours === theirs) return null;
  const [here, there] = [claimsOf(ours), claimsOf(theirs)];
  const names = new Set([...Object.keys(here), ...Object.keys(there)]);
  const text = (claims: JsonObject, name: string) => JSON.stringify(claims[name]);
  const name = [...names].find((candidate) => text(here, candidate) !== text(there, candidate));
  return name === undefined ? null : JSON.stringify(name.slice(0, 64));
}

/** One line a kind at a time, with the number of those left out. */
function spacedNotices(onNotice: (notice: SecretNotice) => void, clock: Pick<Clock, "nowMs">) {
  const kinds = new Map<string, { untilMs: number; leftOut: number }>();
  return (kind: string, message: string): void => {
    const nowMs = clock.nowMs();
    const state = kinds.get(kind) ?? { untilMs: 0, leftOut: 0 };
    kinds.set(kind, state);
    if (nowMs < state.untilMs) {
      state.leftOut += 1;
      return;
    }
    const more = state.leftOut === 0 ? "" : ` (and ${state.leftOut} more like it)`;
    state.untilMs = nowMs + NOTICE_EVERY_MS;
    state.leftOut = 0;
    onNotice({ level: "warn", message: `${message}${more}` });
  };
}
