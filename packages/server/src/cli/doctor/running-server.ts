import { messageOf } from "@hawser/core/errors";
import { fetchKeys, fetchServer } from "../../admin/admin-client.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import type { OwnSecrets } from "../../rpc/calls/secret-check.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether the server that runs here has the keys of this configuration. */
export async function checkRunningServer(config: ResolvedConfig, own: OwnSecrets): Promise<Finding> {
  const found = findingsOf("running server");
  const { socketPath } = config.admin;
  if (socketPath === null) {
    return found.skip(
      "there is no admin socket to ask by",
      "set --admin_socket to compare its keys with these",
    );
  }
  try {
    const { version, pid } = await fetchServer(socketPath);
    const { keys } = await fetchKeys(socketPath);
    const running = keys.filter(({ state }) => state === "active");
    const theirs = running.flatMap(({ fingerprint }) => fingerprint ?? []);
    const about = `Hawser ${version}, pid ${pid}`;
    if (sameSet(theirs, own.active)) return found.ok(`${about}, has the keys of this configuration`);
    return found.fail(
      `${about}, has other keys: ${theirs.join(", ") || "no secret"} there, ${own.active.join(", ") || "no secret"} here`,
      "run hawser keys reload; a secret from its environment changes with a restart alone",
    );
  } catch (thrown) {
    return found.warn(messageOf(thrown), "start the server, or correct --admin_socket");
  }
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
