import { choice, flag, integer, seconds, section, text } from "@hawser/core/options";

export const EXPIRY = section("Expiry of tokens", {
  sessionExpiry: choice({
    flag: "session_expiry",
    toml: "jwt.session_expiry",
    values: ["ignore", "close"],
    default: "ignore",
    help: "What becomes of a connection whose token ends: close tells the client token_expired and ends it, ignore lets it live on.",
  }),
  expireClaim: text({
    flag: "jwt_expire_claim",
    toml: "jwt.expire_claim",
    help: "Claim that says when the connection ends, in place of exp; seconds since the epoch. exp for tokens without it, and when empty.",
  }),
  jitterPercent: integer({
    flag: "session_expiry_jitter",
    toml: "jwt.session_expiry_jitter",
    default: 10,
    max: 100,
    placeholder: "PERCENT",
    help: "Over how much of the tokens' lives, counted from their end and at most 60 s, the closes of connections are spread whose tokens end together.",
  }),
  closesPerS: integer({
    flag: "session_expiry_rate",
    toml: "jwt.session_expiry_rate",
    default: 100,
    help: "Connections that are closed for their tokens in a second; where more would be, some are closed earlier, none later. 0 sets no limit.",
  }),
  noticeMs: seconds({
    flag: "session_expiry_notice",
    toml: "jwt.session_expiry_notice",
    default: 60,
    min: 1,
    help: "How long before the end a client is told that asks for it (?auth=1); at most half of what was left.",
  }),
  firstMessage: flag({
    flag: "jwt_first_message",
    toml: "jwt.first_message",
    help: "Let clients send their token in the first message, so that it is in no URL. Clients without a token have to.",
  }),
  firstMessageTimeoutMs: seconds({
    flag: "jwt_first_message_timeout",
    toml: "jwt.first_message_timeout",
    default: 5,
    min: 1,
    help: "How long the first message may take to come.",
  }),
});
