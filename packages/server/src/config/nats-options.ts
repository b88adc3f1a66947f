import { address } from "@hawser/core/address-option";
import { flag, integer, section } from "@hawser/core/options";
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
