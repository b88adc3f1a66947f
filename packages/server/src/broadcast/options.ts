import { flag, integer, list, milliseconds, secret, section, text } from "@hawser/core/options";

/** How publications may come in. */
const ADAPTERS = ["http", "redis", "redisx", "nats"] as const;
export type BroadcastAdapter = (typeof ADAPTERS)[number];

export const BROADCAST = section("Broadcasting", {
  adapters: list({
    flag: "broadcast_adapter",
    toml: "broadcast_adapters",
    // DEVIATION: D31. The reference has redis too, wanted or not, and ends itself when there is no Redis.
    default: ["http"],
    nonEmpty: true,
    help:
      "How publications come in: http, redis (a channel), redisx (a stream that keeps them until they are delivered), " +
      "nats, or several; redis as well by default where redis_url is given.",
    check: whyNotAdapters,
  }),
  redisChannel: text({
    flag: "redis_channel",
    toml: "redis_pubsub_broadcast.channel",
    default: "__anycable__",
    help: "Channel of Redis that publications come by.",
    check: whyNotName,
  }),
  redisStream: text({
    flag: "redisx_stream",
    toml: "redis_stream_broadcast.stream",
    default: "__anycable__",
    help: "Stream of Redis that publications come by.",
    check: whyNotName,
  }),
  redisGroup: text({
    flag: "redisx_group",
    toml: "redis_stream_broadcast.group",
    default: "bx",
    hidden: true,
    help: "Consumer group by which the servers read it.",
    check: whyNotName,
  }),
  redisBlockMs: milliseconds({
    flag: "redisx_read_block_milliseconds",
    toml: "redis_stream_broadcast.stream_read_block_milliseconds",
    default: 2000,
    min: 1,
    max: 60_000,
    hidden: true,
    help: "How long what another server has read of it, and has not delivered, is left to that one.",
  }),
  natsChannel: text({
    flag: "nats_channel",
    toml: "nats_broadcast.channel",
    default: "__anycable__",
    help: "Subject of NATS that publications come by.",
    check: whyNotSubject,
  }),
  broadcastKey: secret({
    flag: "broadcast_key",
    toml: "broadcast_key",
    help:
      "Key that publishers present; derived from secret when not given, and none opens the endpoint to anyone " +
      "who can reach it.",
  }),
  httpPort: integer({
    flag: "http_broadcast_port",
    toml: "http_broadcast.port",
    default: 0,
    max: 65535,
    help: "Port that takes publications by HTTP. 0 for the main port when there is a key, else 8090.",
  }),
  httpPath: text({
    flag: "http_broadcast_path",
    toml: "http_broadcast.path",
    default: "/_broadcast",
    help: "Path that takes publications by HTTP.",
    check: (value) => (value.startsWith("/") ? null : "must start with a slash"),
  }),
  cors: flag({
    flag: "http_broadcast_cors",
    toml: "http_broadcast.cors_headers",
    hidden: true,
    help: "Let pages publish by HTTP: send CORS headers, and answer their preflight requests.",
  }),
  corsHosts: list({
    flag: null,
    // DEVIATION: D15. The reference reads the key and then replaces it with allowed_origins.
    toml: "http_broadcast.cors_hosts",
    joined: true,
    lowerCase: true,
    help: "Hosts whose pages may publish by HTTP; allowed_origins when empty.",
  }),
  httpSecret: secret({
    flag: "http_broadcast_secret",
    toml: "http_broadcast.secret",
    hidden: true,
    deprecated: "use broadcast_key",
    help: "Key that publishers present by HTTP; wins over broadcast_key.",
  }),
  hubPoolSize: integer({
    flag: "hub_gopool_size",
    toml: "app.broadcast_gopool_size",
    default: 16,
    hidden: true,
    noEffect: true,
    help: "Size of the reference's pool for fan-out.",
  }),
});

/** The ones of these names; there are no others among them once they were checked. */
export function adaptersOf(names: readonly string[]): readonly BroadcastAdapter[] {
  return ADAPTERS.filter((adapter) => names.includes(adapter));
}

function whyNotAdapters(names: readonly string[]): string | null {
  const wrong = names.find((name) => adaptersOf([name]).length === 0);
  if (wrong === undefined) return null;
  return `names ${JSON.stringify(wrong)}, which is not known; ${ADAPTERS.join(", ")} are served`;
}

function whyNotSubject(name: string): string | null {
  return /^[^\s.*>$]+(\.[^\s.*>]+)*$/.test(name) ? null : "must be a subject of NATS, without wildcards";
}

function whyNotName(name: string): string | null {
  return name === "" ? "must be a name" : null;
}
