import { choice, flag, integer, seconds, section } from "@hawser/core/options";

export const BROKER = section("Broker", {
  adapter: choice({
    flag: "broker",
    toml: "broker.adapter",
    values: ["", "none", "memory", "redis", "nats"],
    default: "",
    placeholder: "memory|redis|nats|none",
    help:
      "Where messages, sessions and presence are kept for clients that lose their connection: in the memory of this " +
      "server, in Redis or NATS for all servers, or not at all.",
  }),
  historyLimit: integer({
    flag: "history_limit",
    toml: "broker.history_limit",
    default: 100,
    help: "Messages that are kept of one stream. 0 for none.",
  }),
  historyTtlMs: seconds({
    flag: "history_ttl",
    toml: "broker.history_ttl",
    default: 300,
    help: "How long a message is kept.",
  }),
  sessionsTtlMs: seconds({
    flag: "sessions_ttl",
    toml: "broker.sessions_ttl",
    default: 300,
    help: "How long a session can be resumed after its connection is gone. 0 for never.",
  }),
  resumeVerify: flag({
    flag: "resume_verify",
    toml: "broker.resume_verify",
    default: true,
    help:
      "Let a client have its session back only if it would be let in now, and by a token of the same identity where it " +
      "came by one. Off, whoever has a session's id has the session, as with AnyCable.",
  }),
  presenceTtlMs: seconds({
    flag: "presence_ttl",
    toml: "broker.presence_ttl",
    default: 15,
    help: "How long a client is still present after its connection is gone.",
  }),
  natsReplicas: integer({
    flag: "nats_replicas",
    toml: "broker.nats_replicas",
    default: 1,
    max: 5,
    help: "How many servers of a cluster of NATS keep what the broker has there: with 3, one of them may be gone.",
    check: (value) => (value < 1 ? "must be 1 at least" : null),
  }),
});
