import type { Cancel } from "@hawser/core/clock";
import { CableError } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import type { ResolvedConfig } from "../config/resolved-config.ts";
import { type ChildProgram, findProgram, startProgram } from "../drivers/child-program.ts";
import { systemClock } from "../drivers/clock.ts";
import { makeTemporaryFolder, removeFolder, replaceTextFile } from "../drivers/files.ts";
import { systemRandom } from "../drivers/random.ts";
import { retryDelayMs } from "../drivers/retry-delay.ts";

type Settings = NonNullable<ResolvedConfig["embeddedNats"]>;

/** A NATS that runs beside this server. */
export interface EmbeddedNats {
  start(): void;
  stop(): Promise<void>;
}

/** Its last words, for the line that says that it ended. */
const LAST_LINES = 3;
/** One that ran for so long is started again as if it were the first time. */
const STEADY_MS = 10_000;

/**
 * A `nats-server` that is started again when it ends. Whoever uses it waits until it answers, as for any other NATS.
 *
 * @throws CableError `config_invalid` where there is no such program.
 */
export function createEmbeddedNats(settings: Settings, log: Log): EmbeddedNats {
  const program = findProgram("nats-server");
  if (program === null) {
    throw new CableError(
      "config_invalid",
      "start NATS beside this server (--embed_nats): there is no nats-server on PATH; install it, or name a NATS with --nats_servers",
    );
  }
  let folder = "";
  let file = "";
  const own = log.with({ context: "enats" });
  let running: ChildProgram | null = null;
  let cancelRestart: Cancel = () => {};
  let stopping = false;
  let attempt = 0;
  const begin = (): void => {
    const startedMs = systemClock.monotonicMs();
    const last: string[] = [];
    running = startProgram([program, "--config", file], (line) => {
      last.push(line.replace(/^\[\d+\] \S+ \S+ /, ""));
      if (last.length > LAST_LINES) last.shift();
      if (settings.debug) own.debug(line, { service: "nats" });
    });
    own.info(`Starting embedded NATS server: ${settings.listen.host}:${settings.listen.port}`, {
      pid: running.pid,
    });
    void running.ended.then((status) => {
      if (stopping) return;
      if (systemClock.monotonicMs() - startedMs > STEADY_MS) attempt = 0;
      own.error("embedded NATS server ended; starting it again", { status, said: last.join(" | ") });
      cancelRestart = systemClock.after(retryDelayMs(attempt++, systemRandom), begin);
    });
  };
  return {
    start() {
      folder = makeTemporaryFolder("hawser-nats-");
      file = `${folder}/nats.conf`;
      replaceTextFile(file, JSON.stringify(natsConfiguration(settings, folder)));
      begin();
    },
    async stop() {
      stopping = true;
      cancelRestart();
      await running?.stop();
      if (folder !== "") removeFolder(folder);
    },
  };
}

/** Its file of configuration, which may be JSON. */
function natsConfiguration(settings: Settings, folder: string): Readonly<Record<string, unknown>> {
  const { listen, cluster, gateway, name, maxPayloadBytes, jetStreamFolder, debug, trace } = settings;
  return {
    ...listen,
    server_name: name ?? `hawser-${listen.host}-${listen.port}-${systemRandom.id(3)}`,
    ...(maxPayloadBytes === 0 ? {} : { max_payload: maxPayloadBytes }),
    ...(jetStreamFolder === null
      ? {}
      : { jetstream: { store_dir: jetStreamFolder === "" ? folder : jetStreamFolder } }),
    ...(cluster === null
      ? {}
      : { cluster: { name: cluster.name, ...cluster.listen, routes: cluster.routes } }),
    ...(gateway === null ? {} : { gateway: gatewayConfiguration(gateway) }),
    ...(debug ? { debug: true, trace } : {}),
  };
}

function gatewayConfiguration({ name, listen, advertise, gateways }: NonNullable<Settings["gateway"]>) {
  return { name, ...listen, ...(advertise === null ? {} : { advertise }), gateways };
}
