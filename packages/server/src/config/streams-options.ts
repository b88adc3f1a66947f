import { flag, secret, section, text } from "@hawser/core/options";

const NO_CLEARTEXT = "serve public streams instead";

export const STREAMS = section("Streams", {
  streamsSecret: secret({
    flag: "streams_secret",
    toml: "streams.secret",
    help: "Secret that signs stream names; secret when not given. Without either, or as none, every signed stream is rejected.",
  }),
  publicStreams: flag({
    flag: "public_streams",
    toml: "streams.public",
    help: "Let clients subscribe to any stream by its name, through the built-in channel.",
  }),
  whisper: flag({
    flag: "streams_whisper",
    toml: "streams.whisper",
    help: "Let followers of a signed stream whisper to each other; those of a public one always may.",
  }),
  presence: flag({
    flag: "streams_presence",
    toml: "streams.presence",
    default: true,
    help: "Give signed streams presence, as public ones always have. Needs a broker.",
  }),
  pubsubChannel: text({
    flag: null,
    toml: "streams.pubsub_channel",
    default: "$pubsub",
    help: "Name of the built-in channel. Empty turns it off.",
  }),
  turbo: flag({
    flag: "turbo_streams",
    toml: "streams.turbo",
    help: "Serve the signed streams of Turbo (Turbo::StreamsChannel) without asking the application.",
  }),
  turboSecret: secret({
    flag: "turbo_streams_secret",
    toml: "streams.turbo_secret",
    help: "Secret that signs Turbo's stream names; streams_secret when not given.",
  }),
  cableReady: flag({
    flag: "cable_ready",
    toml: "streams.cable_ready",
    help: "Serve the signed streams of CableReady (CableReady::Stream) without asking the application.",
  }),
  cableReadySecret: secret({
    flag: "cable_ready_secret",
    toml: "streams.cable_ready_secret",
    help: "Secret that signs CableReady's stream names; streams_secret when not given.",
  }),
  turboKey: secret({
    flag: "turbo_rails_key",
    toml: null,
    hidden: true,
    deprecated: "use turbo_streams and turbo_streams_secret",
    help: "Turns turbo_streams on, with this secret.",
  }),
  turboCleartext: flag({
    flag: "turbo_rails_cleartext",
    toml: null,
    hidden: true,
    noEffect: true,
    deprecated: NO_CLEARTEXT,
    help: "Serve Turbo's streams by their plain names.",
  }),
  cableReadyKey: secret({
    flag: "cable_ready_key",
    toml: null,
    hidden: true,
    deprecated: "use cable_ready and cable_ready_secret",
    help: "Turns cable_ready on, with this secret.",
  }),
  cableReadyCleartext: flag({
    flag: "cable_ready_cleartext",
    toml: null,
    hidden: true,
    noEffect: true,
    deprecated: NO_CLEARTEXT,
    help: "Serve CableReady's streams by their plain names.",
  }),
});
