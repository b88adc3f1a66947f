import { address } from "@hawser/core/address-option";
import { flag, integer, path, section } from "@hawser/core/options";
import { parseNatsAddress } from "../drivers/nats/nats-address.ts";

/** Shared by everything that talks to NATS. */
export const NATS = section("NATS", {
  servers: address({
    flag: "nats_servers",
    toml: "nats.servers",
    default: "nats://127.0.0.1:4222",
    help: "Where NATS is: nats or tls, with user and password or a token; several servers of one cluster.",
    check: (value) => {
      const parsed = parseNatsAddress(value);
      return parsed.ok ? null : parsed.why;
    },
  }),
  credentialsPath: path({
    flag: "nats_creds_path",
    toml: "nats.creds_path",
    help:
      "Whom to log in as, in place of what the URLs say: a credentials file (a user's JWT and seed), or one with an nkey's seed " +
      "alone. Read again at each connect.",
  }),
  tlsCaPath: path({
    flag: "nats_tls_ca_cert_path",
    toml: "nats.tls_ca_cert_path",
    help: "Certificates to trust in place of the system's, in PEM form. Asks for TLS, as a tls URL does.",
  }),
  tlsCertPath: path({
    flag: "nats_tls_client_cert_path",
    toml: "nats.tls_client_cert_path",
    help: "This server's certificate for NATS, in PEM form. Asks for TLS as well.",
  }),
  tlsKeyPath: path({
    flag: "nats_tls_client_key_path",
    toml: "nats.tls_client_key_path",
    help: "Its private key, in PEM form.",
  }),
  inOrder: flag({
    flag: "nats_dont_randomize_servers",
    toml: "nats.dont_randomize_servers",
    hidden: true,
    help: "Try its servers in the order in which they are given.",
  }),
  maxReconnects: integer({
    flag: null,
    toml: "nats.max_reconnect_attempts",
    default: 5,
    noEffect: true,
    help: "This server tries for as long as it runs.",
  }),
});
