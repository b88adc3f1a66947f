import type { AdmissionPolicy } from "@hawser/core/engine/admission";
import type { RevocationBook } from "@hawser/core/engine/revocation-terms";
import type { MismatchWatch } from "@hawser/core/engine/secrets-mismatch";
import { TokenMeter } from "@hawser/core/engine/token-meter";
import type { Verdict } from "@hawser/core/jwt/verdict";
import { createVerifier } from "@hawser/core/jwt/verifier";
import type { Log } from "@hawser/core/log";
import type { Metrics } from "@hawser/core/metrics/registry";
import { type AuthReason, authFarewell } from "@hawser/core/reasons";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import { nodeCrypto } from "../drivers/crypto.ts";
import { tokenPolicy } from "../keys/token-policy.ts";
import type { AskedKeys } from "../threads/asked-keys.ts";
import type { ServerKeys } from "./server-keys.ts";
import type { TokenUse } from "./token-use.ts";

export interface AdmissionParts {
  readonly keys: ServerKeys;
  /** Null where no issuer publishes its keys. */
  readonly published: ServerKeys["published"] | AskedKeys;
  readonly use: TokenUse;
  readonly revocations: RevocationBook;
  readonly mismatch: MismatchWatch;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Who is let in, by the configuration and the keys in force. */
export function admissionPolicy(config: ResolvedConfig, parts: AdmissionParts): AdmissionPolicy {
  const { jwt, rpc } = config;
  const { keys, published, use, revocations, mismatch, metrics, log } = parts;
  const meter = new TokenMeter({ metrics, log: log.with({ context: "jwt" }), mismatch });
  const policy = {
    ...{ enforceJwt: jwt.enforce, noAuth: config.auth.noAuth, hasBackend: rpc.kind !== "none" },
    tokenParam: jwt.param,
    farewell: (reason: AuthReason) =>
      authFarewell(reason, {
        retiredAs: jwt.retiredAs,
        forgedMayReturn: jwt.mismatchReconnect && mismatch.isRaised,
      }),
  };
  if (!jwt.enabled) return { ...policy, verify: null, missingKeys: null, rpcAfterJwt: "off" };
  const verifier = createVerifier({
    ring: () => keys.holder.current(),
    crypto: nodeCrypto,
    clock: systemClock,
    policy: tokenPolicy(jwt),
    ...(published === null ? {} : { onUnknownKid: (issuer, kid) => published.missed(issuer, kid) }),
    observer: meter,
    revocations: revocations.inForce,
  });
  const verify = (token: string): Verdict => {
    published?.forgetMissed();
    const verdict = verifier.verify(token);
    if (verdict.accepted) use.accepted(verdict);
    return verdict;
  };
  return { ...policy, verify, missingKeys: published, rpcAfterJwt: rpc.afterJwt };
}
