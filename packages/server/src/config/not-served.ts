import { envName } from "@hawser/core/options";

/** AnyCable's options that this version does not serve, by the feature they belong to: cli/options.go@1.6.16. */
export const NOT_SERVED_FLAGS = {
  "other transports": [
    "ds",
    "ds_path",
    "ds_skip_auth",
    "ds_poll_interval",
    "ds_sse_ttl",
    "pusher_app_id",
    "pusher_app_key",
    "pusher_secret",
    "pusher_api_port",
  ],
  "the REST API": ["api_port", "api_path", "api_secret"],
  "StatsD and other exports": [
    "statsd_host",
    "statsd_prefix",
    "statsd_max_packet_size",
    "statsd_tags_format",
    "metrics_log_interval",
    "metrics_log_formatter",
  ],
} as const satisfies Record<string, readonly string[]>;

/** Keys of AnyCable's file that this version does not serve; a table stands for all that is in it. */
const NOT_SERVED_TOML: ReadonlySet<string> = new Set(["metrics.statsd", "ds", "pusher", "api"]);

const FLAGS: ReadonlySet<string> = new Set(Object.values(NOT_SERVED_FLAGS).flat());
const ENV: ReadonlySet<string> = new Set([...[...FLAGS].map(envName), "ANYCABLE_MEMORY_METRICS"]);

/** Switches of the reference's telemetry, which this server does not have: what they ask for is so already. */
export const SILENTLY_IGNORED_ENV: ReadonlySet<string> = new Set([
  "ANYCABLE_DISABLE_TELEMETRY",
  "ANYCABLE_TELEMETRY_URL",
  "ANYCABLE_TELEMETRY_DEBUG",
]);

export const isFlagNotServed = (name: string): boolean => FLAGS.has(name);
export const isEnvNotServed = (name: string): boolean => ENV.has(name);
export const isTomlNotServed = (key: string): boolean => NOT_SERVED_TOML.has(key);
