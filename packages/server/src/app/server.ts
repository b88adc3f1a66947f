import type { Cancel } from "@hawser/core/clock";
import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { systemClock } from "../drivers/clock.ts";
import { watchFiles } from "../drivers/file-watch.ts";
import { isDescriptorLeft } from "../drivers/files.ts";
import { authority, type Listener, type TlsFiles } from "../drivers/http.ts";
import { LinkBook } from "../drivers/link-book.ts";
import { openFileLimit, pid } from "../drivers/process.ts";
import type { UnixListener } from "../drivers/unix-http.ts";
import type { Nodes } from "../pubsub/nodes.ts";
import { startMetricsLog } from "../telemetry/metrics-log.ts";
import { openAdmin } from "./admin.ts";
import { readCertificate, watchCertificate } from "./certificate.ts";
import { channelNames } from "./channels.ts";
import { type Composition, compose } from "./compose.ts";
import { watchDescriptors } from "./descriptor-watch.ts";
import { openListeners } from "./listeners.ts";
import { createNodes } from "./nodes.ts";
import type { ControlSeat } from "./seat.ts";
import { keysText, type Reconfigure, type ReloadResult, type ServerKeys } from "./server-keys.ts";
import { ConnectionThreads } from "./threads/connection-threads.ts";
import { HAWSER_VERSION } from "./version.ts";
import { sleep } from "./wait.ts";

/** A server that takes clients. */
export interface RunningServer {
  /** Reads the keys again; what is wrong with them is said in the log and leaves the old ones in force. */
  reloadKeys(): Promise<ReloadResult>;
  /**
   * Waits `--shutdown_delay`, takes no more clients, tells those it has, and resolves when all is flushed and closed
   * or `--shutdown_timeout` has passed.
   */
  stop(): Promise<void>;
}

/**
 * Starts a server, or throws a `CableError` and leaves nothing open.
 */
export async function startServer(
  config: ResolvedConfig,
  log: Log,
  reconfigure: Reconfigure,
): Promise<RunningServer> {
  announce(config, log);
  const { tls: paths } = config.server;
  const tls = paths === null ? null : readCertificate(paths);
  const links = new LinkBook(systemClock, log);
  const outer = config.server.workers === 1 ? null : createNodes(config, log, links);
  const threads = config.server.workers === 1 ? null : new ConnectionThreads(config, outer, log);
  const composition = compose(config, log, reconfigure, threads && controlSeat(threads, outer), links);
  announceKeys(config, composition, log);
  const onFault = (thrown: unknown) =>
    composition.sampled("error", "bug", "a request met a bug", { error: messageOf(thrown) });
  composition.embeddedNats?.start();
  // What other servers have revoked comes by the same connection, and is to be in force before there are clients.
  composition.nodes?.start(composition.engine);
  await composition.board?.start();
  announceRevocations(config, composition, log);
  const { open, mainPort } = await openPorts(config, composition, threads, { tls, onFault }).catch(
    async (thrown: unknown) => {
      await leave(composition);
      throw thrown;
    },
  );
  let admin: UnixListener | null = null;
  try {
    admin = await openAdmin(config, composition, log);
    composition.revocations.open();
  } catch (thrown) {
    await admin?.close();
    threads?.terminate();
    await Promise.all(open.map((listener) => listener.closeNow()));
    await leave(composition);
    throw thrown;
  }
  announceEndpoints(config, mainPort, log);
  composition.remote?.start();
  for (const broadcaster of composition.broadcasters) broadcaster.start();
  const timers = startTimers(config, composition, log);
  if (paths !== null && tls !== null) {
    const use = (files: { cert: string; key: string }) => {
      for (const listener of open) listener.replaceTls(files);
      threads?.told.useTls(files);
    };
    timers.push(watchCertificate(paths, tls, { clock: systemClock, log, use }));
  }
  timers.push(watchKeys(config, composition.keys));
  const { published } = composition.keys;
  if (published !== null) {
    void published.start();
    timers.push(() => published.stop());
  }
  composition.stage.now = "serving";
  threads?.told.enter("serving");
  return {
    reloadKeys: () => composition.keys.reload(),
    stop: () => stopServer(config, composition, { listeners: open, threads, admin, timers }, log),
  };
}

function controlSeat(threads: ConnectionThreads, outer: Nodes | null): ControlSeat {
  const { fanOut: nodes, told, addMetrics, measure, countRevoked, publisher, backendAnswered } = threads;
  const { takeOver, secretsDiffer } = told;
  const keys = { onTaken: told.useKeys, onPublished: told.usePublished };
  const all = { addMetrics, measure, countRevoked, publisher, takeOver, secretsDiffer, backendAnswered };
  return { kind: "control", nodes, outer, keys, ...all };
}

interface PortParts {
  readonly tls: TlsFiles | null;
  readonly onFault: (thrown: unknown) => void;
}

interface OpenPorts {
  /** Those of this thread. */
  readonly open: readonly Listener[];
  readonly mainPort: number;
}

/** With several threads the main port is theirs; what else it serves they send on to this one. */
async function openPorts(
  config: ResolvedConfig,
  composition: Composition,
  threads: ConnectionThreads | null,
  { tls, onFault }: PortParts,
): Promise<OpenPorts> {
  const { host, port } = config.server;
  const isMain = (route: { host: string; port: number }) => route.host === host && route.port === port;
  const { routes } = composition;
  if (threads === null) {
    const listeners = await openListeners(routes, tls, onFault);
    const main = listeners.get(`${host}:${port}`);
    if (main === undefined) throw new Error("the main listener was not opened");
    composition.topics.target = main;
    return { open: [...listeners.values()], mainPort: main.port };
  }
  const others = await openListeners(
    routes.filter((route) => !isMain(route)),
    tls,
    onFault,
  );
  const open = [...others.values()];
  try {
    const forwarded = routes.filter((route) => isMain(route) && route.forwardable === true);
    const { engine, keys, mismatch } = composition;
    const about = { engine, published: keys.published, mismatch };
    if (tls !== null) threads.told.useTls(tls);
    return { open, mainPort: await threads.open({ ...about, routes: forwarded, onFault }) };
  } catch (thrown) {
    threads.terminate();
    await Promise.all(open.map((listener) => listener.closeNow()));
    throw thrown;
  }
}

/** Follows every file that keys come from. */
function watchKeys(config: ResolvedConfig, keys: ServerKeys): Cancel {
  const { main, issuers } = config.jwt;
  const keyFiles = [main, ...issuers].flatMap(({ keysFile }) => keysFile ?? []);
  const look = (): void => void keys.reload(false);
  const cancel = watchFiles([...config.secretFiles, ...keyFiles], systemClock, look);
  // One may have changed since it was read.
  look();
  return cancel;
}

function startTimers(config: ResolvedConfig, composition: Composition, log: Log): Cancel[] {
  const { metrics } = config;
  const timers = [watchDescriptors({ clock: systemClock, log, isOneLeft: isDescriptorLeft })];
  if (metrics.refreshIntervalMs > 0) {
    timers.push(systemClock.every(metrics.refreshIntervalMs, composition.refreshMetrics));
  }
  if (metrics.log) {
    const { rotateIntervalMs: intervalMs, logFilter: filter } = metrics;
    timers.push(
      startMetricsLog({
        ...{ metrics: composition.shownMetrics, refresh: composition.refreshMetrics },
        ...{ clock: systemClock, log, intervalMs, filter },
      }),
    );
  }
  return timers;
}

/** What has to be closed. */
interface Opened {
  readonly listeners: readonly Listener[];
  readonly threads: ConnectionThreads | null;
  readonly admin: UnixListener | null;
  readonly timers: readonly Cancel[];
}

async function stopServer(
  config: ResolvedConfig,
  composition: Composition,
  { listeners, threads, admin, timers }: Opened,
  log: Log,
): Promise<void> {
  const { timeoutMs, delayMs } = config.shutdown;
  const untilMs = systemClock.monotonicMs() + timeoutMs;
  const remainingMs = () => Math.max(0, untilMs - systemClock.monotonicMs());
  const seconds = Math.round(timeoutMs / 1000);
  log.info(
    `Shutting down... (hit Ctrl-C to stop immediately or wait for up to ${seconds}s for graceful shutdown)`,
  );
  composition.stage.now = "leaving";
  threads?.told.enter("leaving");
  if (delayMs > 0) await sleep(Math.min(delayMs, timeoutMs));
  composition.stage.now = "draining";
  await Promise.race([
    stopped(composition.broadcasters),
    sleep(Math.min(remainingMs(), LAST_PUBLICATIONS_MS)),
  ]);
  const drained = Promise.all(listeners.map((listener) => listener.stopAccepting()));
  await Promise.all([composition.engine.shutdown(remainingMs()), threads?.drain(remainingMs())]);
  await Promise.race([drained, sleep(Math.min(remainingMs(), LAST_BYTES_MS))]);
  await composition.remote?.close(remainingMs());
  for (const cancel of timers) cancel();
  composition.closeSampler();
  await Promise.race([composition.board?.stop(), sleep(Math.min(remainingMs(), LAST_PUBLICATIONS_MS))]);
  await Promise.race([composition.broker?.close(), sleep(Math.min(remainingMs(), LAST_PUBLICATIONS_MS))]);
  await Promise.race([composition.nodes?.stop(), sleep(Math.min(remainingMs(), LAST_PUBLICATIONS_MS))]);
  await composition.embeddedNats?.stop();
  await admin?.close();
  threads?.terminate();
  await Promise.all(listeners.map((listener) => listener.closeNow()));
  composition.revocations.close();
}

/** Of a server that cannot start after all. */
async function leave({ board, broker, nodes, embeddedNats }: Composition): Promise<void> {
  await board?.stop();
  await broker?.close();
  await nodes?.stop();
  await embeddedNats?.stop();
}

/** How long a broadcaster may take to finish what it has begun. */
const LAST_PUBLICATIONS_MS = 1_000;

async function stopped(broadcasters: Composition["broadcasters"]): Promise<void> {
  await Promise.all(broadcasters.map((broadcaster) => broadcaster.stop()));
}

/** How long close frames and answers under way may take to leave once nothing else holds the server. */
const LAST_BYTES_MS = 500;

function announce(config: ResolvedConfig, log: Log): void {
  const limit = openFileLimit() ?? "unknown";
  log.info(`Starting Hawser ${HAWSER_VERSION} (pid: ${pid}, open file limit: ${limit})`);
  if (config.public) log.warn("Server is running in the public mode");
  if (config.jwt.enabled) {
    log.info(`JWT authentication is enabled (param: ${config.jwt.param}, enforced: ${config.jwt.enforce})`);
  }
  if (config.auth.noAuth) log.info("connection authentication is disabled");
  const channels = channelNames(config.streams);
  if (channels.length > 0) log.info(`Using channels router: ${channels.join(", ")}`);
  if (config.rpc.kind === "none") log.info("no RPC configured", { context: "rpc", impl: "null" });
}

/** With fingerprints, so that the application's operator can compare. */
function announceKeys({ jwt }: ResolvedConfig, { keys }: Composition, log: Log): void {
  if (!jwt.enabled) return;
  log.info("Keys for tokens", { context: "keys", keys: keysText(keys.list()) });
}

function announceRevocations({ revocation }: ResolvedConfig, { engine }: Composition, log: Log): void {
  const { filePath: file } = revocation;
  if (file === null) return;
  log.info("Revocations in force", { context: "keys", num: engine.revocations.inForce.size, file });
}

function announceEndpoints(config: ResolvedConfig, mainPort: number, log: Log): void {
  const { server, broadcast, metrics, websocket } = config;
  const scheme = server.tls === null ? "http" : "https";
  const address = (host: string, port: number) =>
    `${scheme}://${authority(host, port === server.port ? mainPort : port)}`;
  if (broadcast.adapters.includes("http")) {
    const about = { context: "broadcast", provider: "http" };
    if (broadcast.keyDerived) {
      log.info("auto-generated authorization secret from the application secret", about);
    }
    const authorization = broadcast.key === null ? "no authorization" : "authorization required";
    const guard = broadcast.corsHosts === null ? authorization : `${authorization}, CORS enabled`;
    const url = `${address(server.host, broadcast.port)}${broadcast.path}`;
    log.info(`Accept broadcast requests at ${url} (${guard})`, about);
  }
  for (const path of websocket.paths) {
    log.info(`Handle WebSocket connections at ${address(server.host, server.port)}${path}`);
  }
  if (config.sse.path !== null) {
    log.info(`Handle SSE requests at ${address(server.host, server.port)}${config.sse.path}`);
  }
  log.info(`Handle health requests at ${address(server.host, server.port)}${server.healthPath}`);
  if (metrics.httpPath !== null) {
    log.info(`Serve metrics at ${address(metrics.host, metrics.port)}${metrics.httpPath}`, {
      context: "metrics",
    });
  }
  if (config.streams.pubsubChannel !== null && config.streams.secret === null) {
    log.info("signed streams are rejected: there is no key to check their names with", {
      context: "streams",
    });
  }
}
