import { join } from "node:path";
import { compile } from "./compile.ts";
import { freePort, type Started, startServer, waitForPort } from "./spawn.ts";
import { BENCH_SECRET } from "./tokens.ts";

export const PEER_NAMES = ["hawser", "floor", "anycable-go", "bare"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/**
 * How a scenario wants its server: tokens verified by itself, with no backend or with one that is down (nothing answers on the
 * port); or clients authenticated by the backend on that port.
 */
export type Authentication =
  | { readonly kind: "jwt" }
  | { readonly kind: "jwt-backend-down" | "grpc" | "http"; readonly backendPort: number };

interface Ports {
  readonly port: number;
  readonly broadcastPort: number;
}

interface Peer {
  readonly about: string;
  /** Whether it can play a scenario at all; the controls know no backend. */
  readonly kinds: readonly Authentication["kind"][];
  /** It sends every message to every subscriber. */
  readonly oneStream?: boolean;
  /** Null when it is not on this machine. */
  readonly command: (
    ports: Ports,
    authentication: Authentication,
    flags: readonly string[],
  ) => readonly string[] | null;
  readonly variables?: Readonly<Record<string, string>>;
}

function cableFlags({ port, broadcastPort }: Ports, authentication: Authentication): string[] {
  const common = [
    "--host=127.0.0.1",
    `--port=${port}`,
    `--http_broadcast_port=${broadcastPort}`,
    "--public_streams",
  ];
  const tokens = [`--jwt_secret=${BENCH_SECRET}`, "--enforce_jwt"];
  if (authentication.kind === "jwt") return [...common, "--norpc", ...tokens];
  const { kind, backendPort } = authentication;
  const place = `127.0.0.1:${backendPort}`;
  if (kind === "jwt-backend-down") return [...common, `--rpc_host=${place}`, ...tokens];
  return [...common, `--rpc_host=${kind === "grpc" ? place : `http://${place}/_anycable`}`];
}

const PEERS = {
  hawser: {
    about: "this server",
    kinds: ["jwt", "jwt-backend-down", "grpc", "http"],
    command: (ports, authentication, flags) => [
      process.env.HAWSER_BENCH_COMMAND ?? join(import.meta.dir, "../bin/hawser"),
      ...cableFlags(ports, authentication),
      ...flags,
    ],
  },
  floor: {
    about: "control: the kernel alone, controls/floor.c",
    kinds: ["jwt", "jwt-backend-down"],
    oneStream: true,
    command: ({ port, broadcastPort }) => [compile("controls/floor.c"), `${port}`, `${broadcastPort}`],
  },
  "anycable-go": {
    about: "reference",
    kinds: ["jwt", "jwt-backend-down", "grpc", "http"],
    command: (ports, authentication, flags) => {
      const program = Bun.which("anycable-go");
      return program
        ? [program, ...cableFlags(ports, authentication), "--broadcast_adapter=http", ...flags]
        : null;
    },
    // It reports its use to a host on the Internet unless told not to.
    variables: { ANYCABLE_DISABLE_TELEMETRY: "true" },
  },
  bare: {
    about: "control: the runtime alone, controls/bare.ts",
    kinds: ["jwt", "jwt-backend-down"],
    oneStream: true,
    command: ({ port, broadcastPort }) => [
      process.execPath,
      "--no-env-file",
      join(import.meta.dir, "controls/bare.ts"),
      `${port}`,
      `${broadcastPort}`,
    ],
  },
} as const satisfies Record<PeerName, Peer>;

export const aboutPeer = (name: PeerName): string => PEERS[name].about;

/** Whether the peer takes part in scenarios with this authentication, and with messages to single streams of many. */
export function canPlay(name: PeerName, kind: Authentication["kind"], manyStreams = false): boolean {
  const { kinds, oneStream }: Peer = PEERS[name];
  return kinds.includes(kind) && !(manyStreams && oneStream);
}

/** Whether the peer is on this machine. */
export function isInstalled(name: PeerName): boolean {
  return name !== "anycable-go" || Bun.which("anycable-go") !== null;
}

/** What a peer says its version is; for the report, so that a figure can be traced to what was measured. */
export function versionOf(name: PeerName): string {
  if (name === "floor") return "no version";
  const command =
    name === "bare"
      ? process.execPath
      : PEERS[name].command({ port: 0, broadcastPort: 0 }, { kind: "jwt" }, [])?.[0];
  if (!command || !Bun.which(command)) return "absent";
  const answer = Bun.spawnSync([command, "--version"], { stdout: "pipe", stderr: "pipe" });
  return answer.stdout.toString().trim().split("\n").at(-1) || "unknown";
}

export interface RunningPeer extends Ports {
  readonly server: Started;
  /** Kills it, as a machine dies, and starts another in its place. */
  restart(): Promise<void>;
}

/**
 * Starts a peer on two free ports of loopback and waits until both accept. Throws when it does not come up.
 *
 * @param flags further ones for the servers; the controls know none.
 */
export async function startPeer(
  name: PeerName,
  authentication: Authentication,
  flags: readonly string[] = [],
): Promise<RunningPeer> {
  const ports: Ports = { port: freePort(), broadcastPort: freePort() };
  const peer: Peer = PEERS[name];
  const command = peer.command(ports, authentication, flags);
  if (!command) throw new Error(`starting ${name}: it is not on PATH`);
  const start = async (): Promise<Started> => {
    const server = startServer(name, command, peer.variables);
    try {
      await waitForPort(ports.port, server);
      await waitForPort(ports.broadcastPort, server);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  };
  let server = await start();
  return {
    ...ports,
    get server() {
      return server;
    },
    async restart() {
      await server.kill();
      server = await start();
    },
  };
}
