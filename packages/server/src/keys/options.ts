import { bytes, choice, flag, integer, path, secret, secrets, section, text } from "@hawser/core/options";
import { tables } from "@hawser/core/table-options";
import { ISSUER } from "./issuer/options.ts";

export const JWT = section("JWT", {
  jwtSecret: secret({
    flag: "jwt_secret",
    toml: "jwt.secret",
    help: "Secret that signs tokens (HS256, HS384, HS512); secret when not given, and none for no secret.",
  }),
  jwtSecretFile: path({
    flag: "jwt_secret_file",
    toml: "jwt.secret_file",
    help: "File that holds jwt_secret, with nothing but white space around it. Read again when it changes.",
  }),
  previousSecrets: secrets({
    flag: "jwt_previous_secrets",
    toml: "jwt.previous_secrets",
    help:
      "Former secrets whose tokens are still taken. Where tokens are signed with secret itself, so are the keys that come from it. " +
      "One with a comma in it needs the file, as an element of an array.",
  }),
  overlapS: integer({
    flag: "jwt_secret_overlap",
    toml: "jwt.secret_overlap",
    default: 3600,
    placeholder: "SECONDS",
    help: "How long a secret that was replaced while the server runs is still taken. Afterwards its tokens are answered as jwt_retired_as says.",
  }),
  differAfterS: integer({
    flag: "jwt_keys_differ_after",
    toml: "jwt.keys_differ_after",
    default: 120,
    min: 1,
    placeholder: "SECONDS",
    help: "How long servers that share a broker may have different keys before it is said: as long as new ones take to come to all of them.",
  }),
  ...ISSUER,
  issuers: tables({
    toml: "jwt.issuers",
    entry: {
      ...ISSUER,
      secretFile: path({
        flag: null,
        toml: "jwt.issuers.secret_file",
        help: "File that holds the issuer's secret.",
      }),
    },
    help: "Several issuers, each with its own issuer, secret_file or keys_file, audience and so on. A token's iss says which is asked.",
  }),
  jwksMaxStaleS: integer({
    flag: "jwt_jwks_max_stale",
    toml: "jwt.jwks_max_stale",
    default: 86_400,
    min: 60,
    placeholder: "SECONDS",
    help: "How long the keys that an issuer published serve when they cannot be fetched again.",
  }),
  jwksCache: path({
    flag: "jwt_jwks_cache",
    toml: "jwt.jwks_cache",
    help: "Folder where the last good keys of each issuer are kept, for a start while the issuer is down.",
  }),
  param: text({
    flag: "jwt_param",
    toml: "jwt.param",
    default: "jid",
    help: "Query parameter that holds the token; the header is X- and this name.",
    check: (value) =>
      /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value) ? null : "must be a name that a header can have",
  }),
  enforce: flag({
    flag: "enforce_jwt",
    toml: "jwt.force",
    help: "Refuse clients without a token.",
  }),
  maxTokenBytes: bytes({
    flag: "jwt_max_token_bytes",
    toml: "jwt.max_token_bytes",
    default: 8192,
    min: 256,
    max: 32768,
    help: "Largest token that is looked at.",
  }),
  retiredAs: choice({
    flag: "jwt_retired_as",
    toml: "jwt.retired_as",
    values: ["token_expired", "unauthorized"],
    default: "token_expired",
    help: "What the bearer of a retired key's token hears: token_expired makes clients fetch another one.",
  }),
  mismatchReconnect: flag({
    flag: "jwt_mismatch_reconnect",
    toml: "jwt.mismatch_reconnect",
    help: "While the application seems to sign with another secret, tell clients with a wrong signature to come again.",
  }),
  strict: flag({
    flag: "jwt_strict",
    toml: "jwt.strict",
    help:
      "Refuse short and well-known secrets, tokens without exp and two different tokens in one request, limit lifetimes " +
      "to a day unless jwt_max_lifetime says otherwise, and warn when tokens come in URLs.",
  }),
  idKey: secret({
    flag: "jwt_id_key",
    toml: null,
    hidden: true,
    deprecated: "use jwt_secret",
    help: "Former name of jwt_secret.",
  }),
  idParam: text({
    flag: "jwt_id_param",
    toml: null,
    hidden: true,
    noEffect: true,
    deprecated: "use jwt_param",
    help: "Former name of jwt_param.",
  }),
  idEnforce: flag({
    flag: "jwt_id_enforce",
    toml: null,
    hidden: true,
    deprecated: "use enforce_jwt",
    help: "Former name of enforce_jwt.",
  }),
});
