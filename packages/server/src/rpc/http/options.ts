import { milliseconds, secret, section } from "@hawser/core/options";

export const HTTP_RPC = section("RPC over HTTP", {
  secret: secret({
    flag: "http_rpc_secret",
    toml: "rpc.secret",
    help: "What calls over HTTP present to the application; derived from secret when not given, and none for nothing.",
  }),
  timeoutMs: milliseconds({
    flag: "http_rpc_timeout",
    toml: "rpc.http_request_timeout",
    default: 0,
    hidden: true,
    deprecated: "use rpc_request_timeout",
    help: "Longest time of one attempt of a call over HTTP, in milliseconds. 0 for rpc_request_timeout, or else 3000.",
  }),
});
