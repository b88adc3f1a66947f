import { messageOf } from "@hawser/core/errors";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import type { OwnSecrets } from "../../rpc/calls/secret-check.ts";
import { type BackendProbe, probeBackend } from "../../rpc/grpc/probe.ts";
import { aboutSecret } from "./backend-secret.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { checkHttpBackend } from "./http-backend.ts";

const TIMEOUT_MS = 5000;

/** Whether the application answers, and has the same secret. */
export async function checkBackend(config: ResolvedConfig, own: OwnSecrets): Promise<Finding[]> {
  const { rpc } = config;
  const found = findingsOf("backend");
  if (rpc.kind === "none") return [found.skip("there is no application to ask (--norpc)")];
  if (rpc.kind === "http") return checkHttpBackend(config, own, TIMEOUT_MS);
  let probe: BackendProbe;
  try {
    probe = await probeBackend(
      { host: rpc.host, ...rpc.grpc, poolSize: 1 },
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
