import { messageOf } from "@hawser/core/errors";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import type { OwnSecrets } from "../../rpc/calls/secret-check.ts";
import { type BackendProbe, probeBackend } from "../../rpc/grpc/probe.ts";
import { type Finding, findingsOf } from "./finding.ts";

const TIMEOUT_MS = 5000;

/** Whether the application's service answers, and has the same secret. */
export async function checkBackend(config: ResolvedConfig, own: OwnSecrets): Promise<Finding[]> {
  const { rpc } = config;
  const found = findingsOf("backend");
  if (rpc.kind === "none") return [found.skip("there is no application to ask (--norpc)")];
  let probe: BackendProbe;
  try {
    probe = await probeBackend(
      { host: rpc.host, ...rpc.grpc },
      { clock: systemClock, fingerprints: own.active.join(","), timeoutMs: TIMEOUT_MS },
    );
  } catch (thrown) {
    return [found.fail(messageOf(thrown), "correct the option")];
  }
  if (probe.outcome === "unreachable") {
    return [
      found.fail(
        `${rpc.host} cannot be asked: ${probe.why}`,
        "start the application's gRPC service, correct --rpc_host, or set --norpc",
      ),
    ];
  }
  return [aboutService(rpc.host, probe), aboutSecret(probe.fingerprints, own)];
}

type Answer = Exclude<BackendProbe, { readonly outcome: "unreachable" }>;

function aboutService(host: string, { outcome, elapsedMs }: Answer): Finding {
  const found = findingsOf("backend");
  const took = `in ${Math.round(elapsedMs)} ms`;
  switch (outcome) {
    case "serving":
      return found.ok(`${host} serves anycable.RPC, as it says ${took}`);
    case "answers":
      return found.ok(`${host} speaks gRPC and answered ${took}; it does not say how it is`);
    case "not_serving":
      return found.fail(`${host} says that it is not serving`, "look at the application's own log");
  }
}

function aboutSecret(theirs: readonly string[], own: OwnSecrets): Finding {
  const found = findingsOf("backend secret");
  if (own.active.length === 0) return found.skip("this server has no secret to compare");
  const ours = own.active.join(", ");
  if (theirs.length === 0) {
    return found.skip(
      `this server's fingerprint is ${ours}; the application does not tell its own`,
      "give serveRpc of the SDK its secret, or run hawser keys fingerprint where the application is",
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
