import { LIMITS } from "@hawser/core/limits";
import { bytes, flag, integer, secret, section, text } from "@hawser/core/options";

export const JWT = section("JWT", {
  jwtSecret: secret({
    flag: "jwt_secret",
    toml: "jwt.secret",
    help: "Secret that signs tokens (HS256, HS384, HS512); secret when not given, and none turns tokens off.",
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
  leewayS: integer({
    flag: "jwt_leeway",
    toml: "jwt.leeway",
    default: 0,
    max: LIMITS.maxLeewayS,
    placeholder: "SECONDS",
    help: "How far, in seconds, the issuer's clock may be from ours.",
  }),
  requireExp: flag({
    flag: "jwt_require_exp",
    toml: "jwt.require_exp",
    help: "Refuse tokens that never expire.",
  }),
  maxLifetimeS: integer({
    flag: "jwt_max_lifetime",
    toml: "jwt.max_lifetime",
    default: 0,
    placeholder: "SECONDS",
    help: "Longest time in seconds from a token's iat to its exp. 0 sets no limit.",
  }),
  maxTokenBytes: bytes({
    flag: "jwt_max_token_bytes",
    toml: "jwt.max_token_bytes",
    default: 8192,
    min: 256,
    max: 32768,
    help: "Largest token that is looked at.",
  }),
  strict: flag({
    flag: "jwt_strict",
    toml: "jwt.strict",
    help: "Warn, once, when tokens come in URLs, where proxies and browsers write them down.",
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
