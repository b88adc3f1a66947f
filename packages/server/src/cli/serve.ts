import { messageOf } from "@hawser/core/errors";
import type { Log } from "@hawser/core/log";
import { type RunningServer, startServer } from "../app/server.ts";
import type { Reconfigure } from "../app/server-keys.ts";
import { HAWSER_VERSION } from "../app/version.ts";
import { type ConfigSurroundings, type Loaded, loadConfig } from "../config/load-config.ts";
import {
  exit,
  isTerminal,
  onHangup,
  onTermination,
  onUncaught,
  writeError,
  writeOut,
} from "../drivers/process.ts";
import { systemRandom } from "../drivers/random.ts";
import { createLog } from "../telemetry/log.ts";
import { helpText } from "./help.ts";

/** What `hawser` does without the name of a command: it reads its options and does what they ask for. */
export async function serveOrTell(argv: readonly string[], surroundings: ConfigSurroundings): Promise<void> {
  const loaded = loadConfig({ argv, ...surroundings });
  if (!loaded.ok) {
    for (const error of loaded.errors) writeError(`hawser: ${error}\n`);
    exit(1);
  }
  if (loaded.action === "help") return writeOut(helpText());
  if (loaded.action === "version") return writeOut(`hawser ${HAWSER_VERSION}\n`);
  if (loaded.action === "print-config") return writeOut(loaded.printed());
  await serve(loaded, () => {
    const again = loadConfig({ argv, ...surroundings });
    // The command line asked to run before, and has not changed.
    return again.ok && !("config" in again) ? { ok: false, errors: [] } : again;
  });
}

async function serve({ config, configFile, warnings }: Loaded, reconfigure: Reconfigure): Promise<void> {
  const log = createLog({
    level: config.log.level,
    format: config.log.format,
    nodeId: config.nodeId ?? systemRandom.id(6),
    colors: isTerminal(),
  });
  for (const warning of warnings) log.warn(warning, { context: "config" });
  if (configFile !== null) log.info(`Using configuration from file: ${configFile}`);
  onUncaught((thrown) => log.error("a bug: nothing handled this fault", { error: messageOf(thrown) }));
  const starting = startServer(config, log, reconfigure);
  // From now on, so that a signal during the start is not one that kills: what was begun is brought to its end.
  stopOnSignals(starting, log);
  reloadOnHangup(starting);
  try {
    await starting;
  } catch (thrown) {
    // `log.error` goes to standard output like all of the log; this line is for whoever started the process by hand.
    writeError(`hawser: ${messageOf(thrown)}\n`);
    exit(1);
  }
}

/** The first signal stops gracefully, the second at once; the status is 0 either way, as with the reference. */
function stopOnSignals(starting: Promise<RunningServer>, log: Log): void {
  let stopping = false;
  onTermination(() => {
    if (stopping) {
      log.warn("Immediate termination requested. Stopped");
      exit(0);
    }
    stopping = true;
    // A start that fails says so itself.
    void starting
      .then((server) => server.stop())
      .then(
        () => exit(0),
        () => {},
      );
  });
}

/** A start that fails says so itself. */
function reloadOnHangup(starting: Promise<RunningServer>): void {
  onHangup(() => {
    void starting.then(
      (server) => server.reloadKeys(),
      () => {},
    );
  });
}
