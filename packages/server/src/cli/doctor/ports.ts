import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { isResolvable } from "../../drivers/host-name.ts";
import { authority, isPortTaken } from "../../drivers/http.ts";
import { probeHttp } from "../../drivers/http-probe.ts";
import { reachableBase } from "../reachable-base.ts";
import { type Finding, findingsOf } from "./finding.ts";

const PROBE_TIMEOUT_MS = 3000;

/** Whether each port is free, or a server of ours has it. */
export async function checkPorts(config: ResolvedConfig): Promise<Finding[]> {
  const { server, broadcast, metrics } = config;
  const found = findingsOf("ports");
  if (!(await isResolvable(server.host))) {
    return [found.fail(`the host name ${server.host} cannot be resolved`, "correct --host")];
  }
  const wanted = new Map<string, Place>();
  const want = (place: Place) => {
    const key = authority(place.host, place.port);
    if (!wanted.has(key)) wanted.set(key, place);
  };
  want({ host: server.host, port: server.port, option: "--port" });
  want({ host: server.host, port: broadcast.port, option: "--http_broadcast_port" });
  if (metrics.httpPath !== null) want({ ...metrics, option: "--metrics_port" });
  return Promise.all([...wanted.values()].map((place) => checkPort(config, place)));
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly option: string;
}

async function checkPort(config: ResolvedConfig, { host, port, option }: Place): Promise<Finding> {
  const found = findingsOf("ports");
  const address = authority(host, port);
  if (port === 0) return found.ok(`${option} is 0: any free port`);
  if (!(await isPortTaken(host, port))) return found.ok(`${address} is free`);
  const { server } = config;
  const health = await probeHttp(`${reachableBase(server)}${server.healthPath}`, PROBE_TIMEOUT_MS);
  if ("status" in health && health.status === 200)
    return found.ok(`${address} is in use, by a server that is well`);
  return found.fail(
    `${address} is in use, and no server answers at ${server.healthPath}`,
    `stop the other process, or choose another port with ${option}`,
  );
}
