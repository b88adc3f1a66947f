import { address } from "@hawser/core/address-option";
import { bytes, flag, path, seconds, section, text } from "@hawser/core/options";

/** Where a listener of NATS is to be. */
export interface NatsListen {
  readonly host: string;
  readonly port: number;
}

export const EMBEDDED_NATS = section("Embedded NATS", {
  enabled: flag({
    flag: "embed_nats",
    toml: "embedded_nats.enabled",
    help: "Start a NATS beside this server, the program nats-server on PATH, and keep it running.",
  }),
  address: text({
    flag: "enats_addr",
    toml: "embedded_nats.service_addr",
    default: "nats://127.0.0.1:4222",
    hidden: true,
    help: "Where it takes clients; nats_servers follows it.",
    check: whyNotListen,
  }),
  clusterAddress: text({
    flag: "enats_cluster",
    toml: "embedded_nats.cluster_addr",
    hidden: true,
    help: "Where it takes the other servers of its cluster; no cluster when empty.",
    check: (value) => (value === "" ? null : whyNotListen(value)),
  }),
  clusterName: text({
    flag: "enats_cluster_name",
    toml: "embedded_nats.cluster_name",
    default: "anycable-cluster",
    help: "Name of its cluster.",
  }),
  routes: address({
    flag: "enats_cluster_routes",
    toml: "embedded_nats.routes",
    help: "Other servers of its cluster.",
  }),
  gatewayAddress: text({
    flag: "enats_gateway",
    toml: "embedded_nats.gateway_addr",
    hidden: true,
    help: "Where it takes other clusters, this one being known to them as --enats_cluster_name; no gateway when empty.",
    check: (value) => (value === "" ? null : whyNotListen(value)),
  }),
  gateways: address({
    flag: "enats_gateways",
    toml: "embedded_nats.gateways",
    between: ";",
    placeholder: "NAME:URL,...;...",
    help: "Other clusters and their gateways.",
    check: (value) =>
      natsGateways(value) === null
        ? "must look like name:nats://host:7222,nats://host:7222;name:nats://host:7222"
        : null,
  }),
  gatewayAdvertise: text({
    flag: "enats_gateway_advertise",
    toml: "embedded_nats.gateway_advertise",
    placeholder: "HOST:PORT",
    help: "Where other clusters find this one, when that is not where it listens.",
  }),
  name: text({
    flag: "enats_server_name",
    toml: "embedded_nats.name",
    hidden: true,
    help: "Its own name; made up when empty.",
  }),
  maxPayloadBytes: bytes({
    flag: "enats_max_payload",
    toml: "embedded_nats.max_payload",
    default: 0,
    help: "Longest message that it takes. 0 for its own limit, 1 MiB.",
  }),
  jetStream: flag({
    flag: null,
    toml: "embedded_nats.jetstream",
    help: "Turn its JetStream on.",
  }),
  storeFolder: path({
    flag: "enats_store_dir",
    toml: "embedded_nats.jetstream_store_dir",
    placeholder: "FOLDER",
    hidden: true,
    help: "Where JetStream keeps its files; a temporary folder when empty.",
  }),
  readyTimeoutMs: seconds({
    flag: null,
    toml: "embedded_nats.jetstream_ready_timeout",
    default: 30,
    noEffect: true,
    help: "Nothing waits for JetStream.",
  }),
  debug: flag({
    flag: "enats_debug",
    toml: "embedded_nats.debug",
    hidden: true,
    help: "Have its log in this one's, at debug.",
  }),
  trace: flag({
    flag: "enats_trace",
    toml: "embedded_nats.trace",
    hidden: true,
    help: "Have every message in that log.",
  }),
});

/** Another cluster. */
export interface NatsGateway {
  readonly name: string;
  readonly urls: readonly string[];
}

/** Null where one of them has no name, or no host with a port (anycable enats/enats.go@1.6.16). */
export function natsGateways(value: string): readonly NatsGateway[] | null {
  const gateways: NatsGateway[] = [];
  for (const one of value.split(";").filter((part) => part.trim() !== "")) {
    const [, name = "", addresses = ""] = /^\s*([^:/]+):(.+)$/.exec(one) ?? [];
    const urls = addresses.split(",").map((url) => url.trim());
    if (name === "" || !urls.every((url) => url.includes("://") && natsListen(url) !== null)) return null;
    gateways.push({ name, urls });
  }
  return gateways;
}

/** Null where no host and port are named. */
export function natsListen(value: string): NatsListen | null {
  const whole = value.includes("://") ? value : `nats://${value}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url === null || url.hostname === "" || url.port === "") return null;
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
}

function whyNotListen(value: string): string | null {
  return natsListen(value) === null ? "must name a host and a port, like nats://127.0.0.1:4222" : null;
}
