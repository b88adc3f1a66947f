import { integer, path, section } from "@hawser/core/options";

const THIRTY_DAYS_S = 30 * 86_400;

export const REVOCATION = section("Revocation", {
  file: path({
    flag: "revocations_file",
    toml: "revocations.file",
    help: "File where revocations are kept, so that they hold after a restart; one for each server. Made when it is not there.",
  }),
  maxTtlS: integer({
    flag: "revocation_max_ttl",
    toml: "revocations.max_ttl",
    default: THIRTY_DAYS_S,
    min: 1,
    placeholder: "SECONDS",
    help: "How long tokens stay revoked where it is not known when they expire.",
  }),
  limit: integer({
    flag: "revocations_limit",
    toml: "revocations.limit",
    default: 100_000,
    min: 1,
    help: "How many revocations may be in force; further ones are refused. What is longer than 256 characters counts for more.",
  }),
});
