import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** What the checks look at of the machine they run on. */
export interface Machine {
  readonly openFileLimit: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  exists(path: string): boolean;
  /** Throws when it cannot be read. */
  readFile(path: string): string;
}

/** Descriptors that the server keeps for itself. */
const RESERVED = 200;
/** A server for fewer is a server that somebody tries out. */
const USUAL_CLIENTS = 10_000;

/** Whether the clients that are to come have a descriptor each. */
export function checkOpenFiles({ server }: ResolvedConfig, { openFileLimit }: Machine): Finding {
  const found = findingsOf("open files");
  if (openFileLimit === null) return found.skip("the limit cannot be told here");
  const clients = openFileLimit - RESERVED;
  const room = `the limit is ${openFileLimit}, so there is room for ${Math.max(0, clients)} clients`;
  const raise = `ulimit -n ${server.maxConnections + RESERVED}, LimitNOFILE= of systemd, or nofile of the container`;
  if (server.maxConnections > clients) {
    return found.fail(`${room}, and --max-conn is ${server.maxConnections}`, `raise it: ${raise}`);
  }
  if (server.maxConnections === 0 && clients < USUAL_CLIENTS) {
    return found.warn(
      `${room}; more are answered 503`,
      `raise it with ulimit -n, LimitNOFILE= of systemd, or nofile of the container`,
    );
  }
  return found.ok(room);
}

/** Whether the server can be reached from outside of its container. */
export function checkHost({ server }: ResolvedConfig, machine: Machine): Finding {
  const found = findingsOf("host");
  const { host, port } = server;
  const isLocal = host === "localhost" || host === "::1" || host.startsWith("127.");
  const container = containerOf(machine);
  if (!isLocal) return found.ok(`listens on ${host}:${port}`);
  if (container === null) return found.ok(`listens on ${host}:${port}, for this machine alone`);
  return found.fail(
    `listens on ${host}, which nobody outside of this container reaches (${container})`,
    "set --host=0.0.0.0 (ANYCABLE_HOST), unless all who connect are in here as well",
  );
}

/** What tells that this is a container; null when nothing does. */
function containerOf(machine: Machine): string | null {
  for (const file of ["/.dockerenv", "/run/.containerenv"]) if (machine.exists(file)) return file;
  if (machine.env.KUBERNETES_SERVICE_HOST !== undefined) return "Kubernetes";
  try {
    const found = /docker|kubepods|containerd|libpod/.exec(machine.readFile("/proc/1/cgroup"));
    return found === null ? null : found[0];
  } catch {
    return null;
  }
}
