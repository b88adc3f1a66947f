import { choice, section, text } from "@hawser/core/options";

export const PUBSUB = section("Pub/sub between servers", {
  adapter: choice({
    flag: "pubsub",
    toml: "pubsub_adapter",
    values: ["", "none", "redis", "nats"],
    default: "",
    help:
      "What passes messages on between servers; by default the broker's, redis where redis_url is not its default or redisx is " +
      "an adapter, else none.",
  }),
  redisChannel: text({
    flag: null,
    toml: "redis_pubsub.channel",
    default: "__anycable_internal__",
    help: "Channel of Redis by which servers tell each other commands.",
    check: (value) => (value === "" ? "must be a name" : null),
  }),
  natsChannel: text({
    flag: null,
    toml: "nats_pubsub.channel",
    default: "__anycable_internal__",
    help: "Subject of NATS by which servers tell each other commands.",
    check: (value) =>
      /^[^\s.*>$]+(\.[^\s.*>]+)*$/.test(value) ? null : "must be a subject of NATS, without wildcards",
  }),
});
