import { flag, integer, list, path, seconds, secret, section, text } from "@hawser/core/options";

/** What is asked of the command itself, and where its options come from. */
export const COMMAND = section("Command", {
  help: flag({ flag: "help", short: "h", env: [], toml: null, help: "Show this text." }),
  version: flag({ flag: "version", short: "v", env: [], toml: null, help: "Show the version." }),
  printConfig: flag({
    flag: "print-config",
    env: [],
    toml: null,
    help: "Print the configuration in effect as TOML, without its secrets.",
  }),
  configPath: path({
    flag: "config-path",
    env: [],
    toml: null,
    help: "TOML file with options; otherwise ./anycable.toml or /etc/anycable/anycable.toml, where there is one.",
  }),
  ignoreConfigPath: flag({
    flag: "ignore-config-path",
    env: [],
    toml: null,
    help: "Read no TOML file.",
  }),
});

const PRESETS: readonly string[] = ["strict", "broker", "none"];

/** Of AnyCable; they are taken, and a warning says that they do nothing. */
export const PRESETS_NOT_SERVED: readonly string[] = ["fly", "heroku"];

export const GENERAL = section("General", {
  secret: secret({
    flag: "secret",
    toml: "secret",
    help: "The application's secret: signs tokens and gives the keys that are not set by themselves. none for no secret.",
  }),
  secretFile: path({
    flag: "secret_file",
    toml: "secret_file",
    help: "File that holds secret, with nothing but white space around it. Read again when it changes.",
  }),
  presets: list({
    flag: "presets",
    toml: "presets",
    help: "Sets of options: strict for jwt_strict and session_expiry=close, broker for broker=memory, none for nothing.",
    check: (value) =>
      value.every((name) => PRESETS.includes(name) || PRESETS_NOT_SERVED.includes(name))
        ? null
        : `may hold ${PRESETS.join(", ")}`,
  }),
  noAuth: flag({
    flag: "noauth",
    toml: "noauth",
    help: "Let in clients without a token, each under an identity of its own.",
  }),
  public: flag({
    flag: "public",
    toml: "public",
    help: "The same as noauth and public_streams, with a broadcast endpoint that is open. Not for production.",
  }),
  nodeId: text({
    flag: "node_id",
    toml: "node_id",
    hidden: true,
    help: "Name of this server in log lines; made up when empty.",
  }),
});

export const SHUTDOWN = section("Shutdown", {
  timeoutMs: seconds({
    flag: "shutdown_timeout",
    toml: "app.shutdown_timeout",
    default: 30,
    help: "Longest time from the signal to the end; a second signal ends at once.",
  }),
  delayMs: seconds({
    flag: "shutdown_delay",
    toml: "app.shutdown_delay",
    default: 0,
    help: "Time to go on as before after the signal, so that load balancers notice; part of shutdown_timeout.",
  }),
  disconnectRatePerS: integer({
    flag: "shutdown_disconnect_rate",
    toml: "app.shutdown_disconnect_rate",
    default: 0,
    help: "Clients that are told a second, and leave; the others are served until their turn. More where shutdown_timeout is too short. 0 tells all at once.",
  }),
  poolSize: integer({
    flag: "shutdown_pool_size",
    toml: "app.shutdown_disconnect_gopool_size",
    default: 16,
    hidden: true,
    noEffect: true,
    help: "Size of the reference's pool for telling clients.",
  }),
});
