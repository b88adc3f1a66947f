import { choice, flag, integer, list, milliseconds, section, text } from "@hawser/core/options";

export const RPC = section("RPC", {
  rpcHost: text({
    flag: "rpc_host",
    toml: "rpc.host",
    default: "localhost:50051",
    help:
      "The application's gRPC service: host:port, dns:///host:port, or grpc-list://host:port,host:port; or the URL of its " +
      "endpoint for calls over HTTP.",
  }),
  noRpc: flag({
    flag: "norpc",
    toml: null,
    help: "There is no application to ask: tokens and public streams alone decide.",
  }),
  rpcImpl: choice({
    flag: "rpc_impl",
    toml: "rpc.implementation",
    values: ["", "grpc", "http", "none"],
    default: "",
    hidden: true,
    placeholder: "grpc|http|none",
    help: "How the application is called, where rpc_host does not say so; none is the same as norpc.",
  }),
  concurrency: integer({
    flag: "rpc_concurrency",
    toml: "rpc.concurrency",
    default: 28,
    min: -Number.MAX_SAFE_INTEGER,
    help: "Calls at a time; no more than the application's threads.",
  }),
  requestTimeoutMs: milliseconds({
    flag: "rpc_request_timeout",
    toml: "rpc.request_timeout",
    default: 0,
    help: "Longest time of one attempt of a call, in milliseconds. 0 leaves it to rpc_command_timeout.",
  }),
  commandTimeoutMs: milliseconds({
    flag: "rpc_command_timeout",
    toml: "rpc.command_timeout",
    default: 3000,
    min: 1,
    hidden: true,
    help: "Longest time of a call with its retries and the wait for its turn, in milliseconds.",
  }),
  proxyHeaders: list({
    flag: "headers",
    // DEVIATION: D15. The reference reads the key and then replaces it with the flag's default.
    toml: "rpc.proxy_headers",
    default: ["cookie"],
    lowerCase: true,
    help: "Headers of the client's request that the application is told.",
  }),
  proxyCookies: list({
    flag: "proxy-cookies",
    toml: "rpc.proxy_cookies",
    help: "Cookies that the application is told; empty for all.",
  }),
  afterJwt: choice({
    flag: "rpc_after_jwt",
    toml: "rpc.after_jwt",
    values: ["off", "enforce", "shadow"],
    default: "off",
    help:
      "With enforce the application's Connect is called for clients with a good token too, and may refuse them; with " +
      "shadow it is called and its answer only compared.",
  }),
});

export const DISCONNECT = section("Disconnect calls", {
  mode: choice({
    flag: "disconnect_mode",
    toml: "app.disconnect_mode",
    values: ["auto", "always", "never"],
    default: "auto",
    help: "When the application is told that a client has left: auto leaves out clients it never heard of.",
  }),
  ratePerS: integer({
    flag: "disconnect_rate",
    toml: "disconnector.rate",
    default: 100,
    min: 1,
    max: 1000,
    hidden: true,
    help: "Disconnect calls a second.",
  }),
  backlog: integer({
    flag: "disconnect_backlog_size",
    toml: "disconnector.backlog",
    default: 4096,
    min: 1,
    hidden: true,
    help: "Disconnect calls that may wait for their turn.",
  }),
  disconnectTimeout: integer({
    flag: "disconnect_timeout",
    toml: null,
    default: 0,
    hidden: true,
    noEffect: true,
    deprecated: "use shutdown_timeout",
    help: "Time for Disconnect calls at shutdown.",
  }),
  disableDisconnect: flag({
    flag: "disable_disconnect",
    toml: null,
    hidden: true,
    deprecated: "use disconnect_mode=never",
    help: "Never tell the application that a client has left.",
  }),
});
