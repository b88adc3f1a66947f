import type { OwnSecrets } from "../../rpc/calls/secret-check.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether the application signs tokens with the secret of this server, by the fingerprints that it told. */
export function aboutSecret(theirs: readonly string[], own: OwnSecrets): Finding {
  const found = findingsOf("backend secret");
  if (own.active.length === 0) return found.skip("this server has no secret to compare");
  const ours = own.active.join(", ");
  if (theirs.length === 0) {
    return found.skip(
      `this server's fingerprint is ${ours}; the application does not tell its own`,
      "give serveRpc or createRpcHandler of the SDK its secret, or run hawser keys fingerprint where the application is",
    );
  }
  const sides = `server ${ours}, application ${theirs.join(", ")}`;
  if (theirs.some((one) => own.active.includes(one))) return found.ok(`the same on both sides: ${sides}`);
  if (theirs.some((one) => own.former.includes(one))) {
    return found.warn(
      `the application signs with a former secret: ${sides}`,
      "give it the new one before the old one goes",
    );
  }
  return found.fail(
    `the secrets differ: ${sides}`,
    "give both the same, and restart the one that was forgotten",
  );
}
