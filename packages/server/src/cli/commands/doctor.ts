import { messageOf } from "@hawser/core/errors";
import type { SetKey } from "@hawser/core/jwt/jwk-set";
import { flag, section, text } from "@hawser/core/options";
import { publishersOf } from "../../app/server-keys.ts";
import type { Loaded } from "../../config/load-config.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { systemClock } from "../../drivers/clock.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import { fileExists, readTextFile } from "../../drivers/files.ts";
import { env, openFileLimit } from "../../drivers/process.ts";
import { ownSecretsOf } from "../../keys/own-secrets.ts";
import { type Command, type CommandCall, type Misuse, misuse } from "../command.ts";
import { checkBackend } from "../doctor/backend.ts";
import { checkBrokers } from "../doctor/brokers.ts";
import { checkCertificate } from "../doctor/certificate.ts";
import { type Finding, findingsOf } from "../doctor/finding.ts";
import { checkKeys } from "../doctor/keys.ts";
import { checkHost, checkOpenFiles, type Machine } from "../doctor/machine.ts";
import { checkPorts } from "../doctor/ports.ts";
import { checkPublishedKeys } from "../doctor/published-keys.ts";
import { checkRevocations } from "../doctor/revocations.ts";
import { cableUrl, checkClock, checkRoundTrip } from "../doctor/round-trip.ts";
import { checkRunningServer } from "../doctor/running-server.ts";
import { givenKeys, noKeys } from "../key-ring.ts";
import { type KeysNow, withPublishedKeys } from "../published-keys.ts";
import { claimsAskedFor, mintToken, signingKey } from "../signing-key.ts";

const OPTIONS = section("Options", {
  against: text({
    flag: "against",
    env: [],
    toml: null,
    placeholder: "URL",
    help: "Cable URL of a running server, like ws://localhost:8080/cable, to connect to with a fresh token.",
  }),
  json: flag({ flag: "json", env: [], toml: null, help: "Print JSON instead." }),
});

export const doctor: Command = {
  name: "doctor",
  summary: "Check the configuration and what is around it, and say what to do",
  argument: "",
  about: [
    "Reads the configuration as the server would, and looks at the strength of secrets, at the application, its key and " +
      "its secret, at Redis and NATS, at the keys that issuers publish, at the file of revocations, at ports, the host and open files; with --against also at a running server, by connecting to it.",
    "Each check is one line. The exit status is 1 when something is wrong; a warning is not.",
  ],
  options: OPTIONS,
  readsConfiguration: true,
  async run(call) {
    const findings = await examine(call);
    if ("misuse" in findings) return findings;
    const isWell = !findings.some(({ level }) => level === "fail");
    const text = call.option(OPTIONS.options.json)
      ? JSON.stringify({ ok: isWell, findings }, null, 2)
      : findings.map(lineOf).join("\n");
    call.terminal.out(`${text}\n`);
    return isWell ? 0 : 1;
  },
};

const MARKS = { ok: "ok  ", warn: "warn", fail: "FAIL", skip: "-   " } as const;
const CHECK_WIDTH = 14;

function lineOf({ check, level, text, advice }: Finding): string {
  const all = advice === null ? text : `${text.replace(/\.$/, "")}; ${advice}`;
  return `${MARKS[level]}  ${check.padEnd(CHECK_WIDTH)}  ${all}`;
}

async function examine(call: CommandCall): Promise<readonly Finding[] | Misuse> {
  const found = findingsOf("configuration");
  const loaded = call.load();
  if (!loaded.ok)
    return loaded.errors.map((error) => found.fail(error, "the server does not start with this"));
  const { config } = loaded;
  const against = call.option(OPTIONS.options.against);
  const url = against === "" ? null : cableUrl(against, config);
  if (against !== "" && url === null) return misuse("--against is not a URL, like ws://localhost:8080/cable");
  const keys = readKeysOf(config);
  if ("level" in keys) return [...aboutConfiguration(loaded), keys];
  const now = await withPublishedKeys(keys, config);
  return [...aboutConfiguration(loaded), ...(await examineWith(config, keys, now, url))];
}

/** The configuration itself: deprecated options, variables that mean nothing, settings that have no effect. */
function aboutConfiguration({ configFile, warnings }: Loaded): readonly Finding[] {
  const found = findingsOf("configuration");
  const source = configFile === null ? "the environment and the command line; there is no file" : configFile;
  return [found.ok(`read from ${source}`), ...warnings.map((line) => found.warn(line))];
}

function readKeysOf(config: ResolvedConfig): readonly SetKey[] | Finding {
  if (!config.jwt.enabled) return [];
  try {
    const keys = givenKeys(config);
    if (keys.length === 0 && publishersOf(config).length === 0) throw noKeys([]);
    return keys;
  } catch (thrown) {
    return findingsOf("keys").fail(messageOf(thrown), "the server does not start with this");
  }
}

async function examineWith(
  config: ResolvedConfig,
  keys: readonly SetKey[],
  now: KeysNow,
  url: URL | null,
): Promise<readonly Finding[]> {
  const nowMs = systemClock.nowMs();
  const own = ownSecretsOf(now.ring, config.jwt, nodeCrypto, nowMs);
  const machine: Machine = {
    openFileLimit: openFileLimit(),
    env,
    exists: fileExists,
    readFile: readTextFile,
  };
  return [
    ...checkKeys(config, now.ring, nowMs),
    ...checkPublishedKeys(config, now),
    ...checkRevocations(config, nowMs),
    ...checkCertificate(config, nowMs),
    ...(await checkBackend(config, own)),
    ...(await checkBrokers(config)),
    ...(await checkPorts(config)),
    checkHost(config, machine),
    checkOpenFiles(config, machine),
    ...(await checkRunningServer(config, own)),
    ...(await examineServer(config, keys, url)),
  ];
}

/** A minute is enough for one connection, and too short to be of use to anybody else. */
const TOKEN_LIFE_S = 60;

async function examineServer(
  config: ResolvedConfig,
  keys: readonly SetKey[],
  url: URL | null,
): Promise<readonly Finding[]> {
  const found = findingsOf("round trip");
  if (url === null) {
    return [found.skip("no running server was named", "give --against=ws://HOST:PORT/cable")];
  }
  const token = config.jwt.enabled ? freshToken(config, keys) : null;
  if (token !== null && typeof token !== "string")
    return [found.skip(token.misuse), await checkClock(url, config)];
  return [await checkRoundTrip(url, token, config.jwt.param), await checkClock(url, config)];
}

function freshToken(config: ResolvedConfig, keys: readonly SetKey[]): string | Misuse {
  const key = signingKey(keys, "", "");
  if ("misuse" in key) return key;
  const iat = Math.floor(systemClock.nowMs() / 1000);
  return mintToken(config, key, {
    ext: '{"hawser":"doctor"}',
    sub: "hawser-doctor",
    iat,
    exp: iat + TOKEN_LIFE_S,
    ...claimsAskedFor(config, key),
  });
}
