import { CableError } from "@hawser/core/errors";
import { isResolvable } from "../drivers/host-name.ts";
import {
  authority,
  isPortTaken,
  type ListenAddress,
  type Listener,
  listen,
  type Route,
  type SocketOptions,
  type TlsFiles,
} from "../drivers/http.ts";

/** A route and where it is to be served. */
export interface PlacedRoute<T> extends ListenAddress {
  readonly route: Route<T>;
  /** Whether it is one of the whole server, so that a connection thread sends its requests on to the control thread. */
  readonly forwardable?: boolean;
  /** Set for the route that upgrades to WebSockets. */
  readonly sockets?: SocketOptions<T>;
}

/**
 * Routes that ask for the same address share one listener (anycable server/server.go@1.6.16, ForPort).
 *
 * @param shared other threads of this process listen on the same ports, which somebody has found to be free.
 */
export async function openListeners<T>(
  placed: readonly PlacedRoute<T>[],
  tls: TlsFiles | null,
  onFault: (thrown: unknown) => void,
  shared = false,
): Promise<Map<string, Listener>> {
  const byAddress = new Map<string, PlacedRoute<T>[]>();
  for (const route of placed) {
    const address = `${route.host}:${route.port}`;
    byAddress.set(address, [...(byAddress.get(address) ?? []), route]);
  }
  const open = new Map<string, Listener>();
  try {
    // The first is the last to open: who is answered there, by the health check above all, may count on the others.
    for (const [address, routes] of [...byAddress].reverse()) {
      open.set(address, await openListener(routes, tls, onFault, shared));
    }
  } catch (thrown) {
    // Nothing half-started: the ports that were free are given back.
    await Promise.all([...open.values()].map((listener) => listener.closeNow()));
    throw thrown;
  }
  return open;
}

/** The runtime calls a name that it cannot resolve a port that is in use. */
async function requireHost({ host, port, hostOption }: ListenAddress): Promise<void> {
  if (await isResolvable(host)) return;
  throw new CableError(
    "io_failed",
    `listen on ${authority(host, port)}: the host name cannot be resolved; give ${hostOption} an address of this machine`,
  );
}

async function openListener<T>(
  routes: readonly PlacedRoute<T>[],
  tls: TlsFiles | null,
  onFault: (thrown: unknown) => void,
  shared: boolean,
): Promise<Listener> {
  const [first] = routes;
  if (first === undefined) throw new Error("a listener needs a route");
  const { host, port, hostOption, portOption } = first;
  await requireHost(first);
  if (tls !== null && !shared && (await isPortTaken(host, port))) {
    throw new CableError(
      "io_failed",
      `listen on ${authority(host, port)}: the port is in use; stop the other process or choose another with ${portOption}`,
    );
  }
  return listen({
    host,
    port,
    hostOption,
    portOption,
    tls,
    shared,
    routes: routes.map(({ route }) => route),
    sockets: routes.find(({ sockets }) => sockets !== undefined)?.sockets ?? null,
    onFault,
  });
}
