import { flag, integer, list, path, section, text } from "@hawser/core/options";
import { workersOption } from "./workers-option.ts";

/** For a path of an HTTP endpoint: says why it cannot be one. */
export function whyNotPath(value: string): string | null {
  return value.startsWith("/") ? null : "must start with a slash";
}

const orEmpty = (check: (value: string) => string | null) => (value: string) =>
  value === "" ? null : check(value);

export const SERVER = section("Server", {
  host: text({
    flag: "host",
    toml: "server.host",
    default: "localhost",
    help: "Address that every listener binds to.",
    check: (value) => (value === "" ? "must not be empty" : null),
  }),
  port: integer({
    flag: "port",
    env: ["ANYCABLE_PORT", "PORT"],
    toml: "server.port",
    default: 8080,
    max: 65535,
    help: "Port of the WebSocket endpoint; 0 takes any free one.",
  }),
  workers: workersOption({
    flag: "workers",
    toml: "server.workers",
    help: "Threads that serve clients; auto is one for each core. With 1 the server is a single thread.",
  }),
  maxConnections: integer({
    flag: "max-conn",
    toml: "server.max_conn",
    default: 0,
    help: "Sessions at a time; further clients are answered 503. 0 sets no limit.",
  }),
  acceptRatePerS: integer({
    flag: "accept_rate",
    toml: "server.accept_rate",
    default: 0,
    help: "Clients that are taken in a second, those that resume a session first; the others are answered 503 and when to come again. 0 sets no limit.",
  }),
  maxFailedAuths: integer({
    flag: "max_failed_auths_per_minute",
    toml: "server.max_failed_auths_per_minute",
    default: 0,
    help: "Refused authentications of one client address in a minute; past it the address is answered 429 until the minute is over; all workers count together. 0 sets no limit.",
  }),
  allowedOrigins: list({
    flag: "allowed_origins",
    toml: "server.allowed_origins",
    joined: true,
    lowerCase: true,
    help: "Hosts (with their ports) whose pages may connect; *.example.com for all that end so. Empty allows all.",
  }),
  healthPath: text({
    flag: "health-path",
    toml: "server.health_path",
    default: "/health",
    help: "Path that answers 200 while the process is alive.",
    check: whyNotPath,
  }),
  readyPath: text({
    flag: "ready-path",
    toml: "server.ready_path",
    default: "/ready",
    help: "Path that answers 200 while clients can be served, else 503. Empty turns it off.",
    check: orEmpty(whyNotPath),
  }),
  sslCert: path({
    flag: "ssl_cert",
    toml: "server.ssl.cert_path",
    help: "PEM file with the certificate chain for TLS; needs ssl_key. Read again when it changes.",
  }),
  sslKey: path({
    flag: "ssl_key",
    toml: "server.ssl.key_path",
    help: "PEM file with the private key of ssl_cert.",
  }),
  trustedProxies: list({
    flag: "trusted_proxies",
    toml: "server.trusted_proxies",
    help: "Addresses and networks (10.0.0.0/8) of proxies whose X-Forwarded-For names the client, for log lines and limits.",
    check: whyNotNetworks,
  }),
  trustRequestId: flag({
    flag: "trust_request_id",
    toml: "server.trust_request_id",
    help: "Take the session id from X-Request-ID, as AnyCable does. Only behind a proxy that sets the header itself.",
  }),
});

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:]+(?:[0-9.]+)?$/i;

function whyNotNetworks(networks: readonly string[]): string | null {
  const wrong = networks.find((network) => !isNetwork(network));
  return wrong === undefined
    ? null
    : `holds ${JSON.stringify(wrong)}, which is no address or network such as 10.0.0.0/8`;
}

function isNetwork(network: string): boolean {
  const [address = "", prefix, ...rest] = network.split("/");
  const bits = IPV4.test(address) ? 32 : IPV6.test(address) ? 128 : null;
  if (bits === null || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}
