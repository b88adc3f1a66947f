import { messageOf } from "@hawser/core/errors";
import { fetchKeys, fetchServer, type OtherServer } from "../../admin/admin-client.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import type { OwnSecrets } from "../../rpc/calls/secret-check.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether the server that runs here has the keys of this configuration, and the others that share its broker have them too. */
export async function checkRunningServer(config: ResolvedConfig, own: OwnSecrets): Promise<Finding[]> {
  const found = findingsOf("running server");
  const { socketPath } = config.admin;
  if (socketPath === null) {
    const advice = "set --admin_socket to compare its keys with these";
    return [found.skip("there is no admin socket to ask by", advice)];
  }
  try {
    const { version, pid } = await fetchServer(socketPath);
    const { keys, servers } = await fetchKeys(socketPath);
    const others = servers === null ? [] : [checkOtherServers(servers)];
    const running = keys.filter(({ state }) => state === "active");
    const theirs = running.flatMap(({ fingerprint }) => fingerprint ?? []);
    const about = `Hawser ${version}, pid ${pid}`;
    if (sameSet(theirs, own.active))
      return [found.ok(`${about}, has the keys of this configuration`), ...others];
    const differing = found.fail(
      `${about}, has other keys: ${theirs.join(", ") || "no secret"} there, ${own.active.join(", ") || "no secret"} here`,
      "run hawser keys reload; a secret from its environment changes with a restart alone",
    );
    return [differing, ...others];
  } catch (thrown) {
    return [found.warn(messageOf(thrown), "start the server, or correct --admin_socket")];
  }
}

/** They may be in the middle of a rotation, so that it is nothing to fail for. */
function checkOtherServers(servers: readonly OtherServer[]): Finding {
  const found = findingsOf("other servers");
  const differing = servers.filter(
    ({ missingHere, missingThere }) => missingHere.length + missingThere.length > 0,
  );
  if (differing.length === 0)
    return found.ok(`${servers.length} share the broker with it, all with the same keys`);
  const named = differing.map(({ name }) => name).join(", ");
  return found.warn(
    `${differing.length} of ${servers.length} that share the broker with it have other keys: ${named}`,
    "hawser keys list shows which; give all of them the same",
  );
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
