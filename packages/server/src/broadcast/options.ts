import { flag, integer, list, secret, section, text } from "@hawser/core/options";

const ADAPTERS = ["http"];
const ADAPTERS_OF_ANYCABLE = ["redis", "redisx", "nats"];

export const BROADCAST = section("Broadcasting", {
  adapters: list({
    flag: "broadcast_adapter",
    toml: "broadcast_adapters",
    // DEVIATION: D31. The reference adds redis and ends itself when there is no Redis.
    default: ["http"],
    nonEmpty: true,
    help: "How publications come in: http.",
    check: whyNotAdapters,
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

function whyNotAdapters(names: readonly string[]): string | null {
  const wrong = names.find((name) => !ADAPTERS.includes(name));
  if (wrong === undefined) return null;
  return ADAPTERS_OF_ANYCABLE.includes(wrong)
    ? `names ${wrong}, which AnyCable has and this version does not; http is served`
    : `names ${JSON.stringify(wrong)}, which is not known; http is served`;
}
