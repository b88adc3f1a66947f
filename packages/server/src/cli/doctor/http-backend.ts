import { messageOf } from "@hawser/core/errors";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import type { OwnSecrets } from "../../rpc/calls/secret-check.ts";
import { type HttpProbe, probeEndpoint } from "../../rpc/http/probe.ts";
import { aboutSecret } from "./backend-secret.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether the application's endpoint answers calls, takes this server's key and nobody else's, and has the same secret. */
export async function checkHttpBackend(
  { rpc }: ResolvedConfig,
  own: OwnSecrets,
  timeoutMs: number,
): Promise<Finding[]> {
  const found = findingsOf("backend");
  let probe: HttpProbe;
  try {
    probe = await probeEndpoint(
      { ...rpc.grpc, host: rpc.host },
      { clock: systemClock, secret: rpc.http.secret, fingerprints: own.active.join(","), timeoutMs },
    );
  } catch (thrown) {
    return [found.fail(messageOf(thrown), "correct the option")];
  }
  if (probe.outcome === "unreachable") {
    const advice = "start the application, correct --rpc_host, or set --norpc";
    return [found.fail(`${rpc.host} cannot be asked: ${probe.why}`, advice)];
  }
  const answers = aboutAnswer(rpc.host, probe, rpc.http.secret !== null);
  if (answers.level === "fail") return [answers];
  return [answers, aboutKey(rpc.host, probe, rpc.http.secret !== null), aboutSecret(probe.fingerprints, own)];
}

type Answer = Exclude<HttpProbe, { readonly outcome: "unreachable" }>;

/** An empty call is no call: 422 is what AnyCable's gem and the SDK say. */
function aboutAnswer(host: string, { status, elapsedMs }: Answer, hasKey: boolean): Finding {
  const found = findingsOf("backend");
  if (status === 401 || status === 403) {
    return found.fail(
      `${host} refuses the calls of this server (HTTP ${status})`,
      hasKey
        ? "give both sides the same http_rpc_secret, or the same secret to derive it from"
        : "give this server the application's key as --http_rpc_secret, or the secret that it is derived from",
    );
  }
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) {
    return found.fail(
      `${host} is not where calls are answered (HTTP ${status} at /connect)`,
      "correct the path in --rpc_host, or mount the application's endpoint there",
    );
  }
  const took = `in ${Math.round(elapsedMs)} ms`;
  if (status < 500) return found.ok(`${host} answered an empty call ${took}, with ${status}`);
  return found.warn(
    `${host} answered an empty call ${took}, with ${status}`,
    "that may be its way of refusing one; look at the application's own log",
  );
}

function aboutKey(host: string, { statusWithoutKey }: Answer, hasKey: boolean): Finding {
  const found = findingsOf("backend key");
  if (statusWithoutKey === 401 || statusWithoutKey === 403)
    return found.ok(`${host} answers nobody without the key`);
  const check = hasKey ? "check the bearer key there" : "set --http_rpc_secret, and check it there";
  return found.warn(
    `${host} answers calls without a key: whoever can reach it can speak for any client`,
    `${check}, as createRpcHandler of the SDK does, or let nobody else reach it`,
  );
}
