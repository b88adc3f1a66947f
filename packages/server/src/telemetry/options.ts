import { choice, flag, integer, list, seconds, section, tags, text } from "@hawser/core/options";

export const LOG = section("Log", {
  level: choice({
    flag: "log_level",
    toml: "logging.level",
    values: ["debug", "info", "warn", "error"],
    default: "info",
    help: "Lines below this level are dropped.",
  }),
  format: choice({
    flag: "log_format",
    toml: "logging.format",
    values: ["text", "json"],
    default: "text",
    help: "Form of a log line.",
  }),
  debug: flag({
    flag: "debug",
    toml: "logging.debug",
    help: "The same as log_level=debug.",
  }),
});

export const METRICS = section("Metrics", {
  httpPath: text({
    flag: "metrics_http",
    toml: "metrics.http_path",
    // The reference prints this key and does not read it back.
    tomlAlias: "metrics.http",
    placeholder: "PATH",
    help: "Path of the Prometheus endpoint, such as /metrics. Empty for none.",
    check: (value) => (value === "" || value.startsWith("/") ? null : "must start with a slash"),
  }),
  host: text({
    flag: "metrics_host",
    toml: "metrics.host",
    help: "Address that the metrics listener binds to; that of host when empty.",
  }),
  port: integer({
    flag: "metrics_port",
    toml: "metrics.port",
    default: 0,
    max: 65535,
    help: "Port of the Prometheus endpoint. 0 for the main port.",
  }),
  tags: tags({
    flag: "metrics_tags",
    toml: "metrics.tags",
    help: "Labels that every metric carries.",
  }),
  log: flag({
    flag: "metrics_log",
    toml: "metrics.log",
    help: "Write the metrics to the log now and then.",
  }),
  rotateIntervalMs: seconds({
    flag: "metrics_rotate_interval",
    toml: "metrics.rotate_interval",
    default: 15,
    min: 1,
    help: "Time between two lines of metrics_log.",
  }),
  logFilter: list({
    flag: "metrics_log_filter",
    toml: "metrics.log_filter",
    help: "Names of the metrics to log; empty for all.",
  }),
  refreshIntervalMs: seconds({
    flag: "stats_refresh_interval",
    toml: "app.stats_refresh_interval",
    default: 5,
    help: "How often the numbers of clients and streams are brought up to date. 0 for never.",
  }),
});
