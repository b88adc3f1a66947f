import { type Check, type Explanation, explainToken } from "@hawser/core/jwt/explain";
import { flag, section } from "@hawser/core/options";
import { type AuthReason, authFarewell, type Farewell } from "@hawser/core/reasons";
import { keysText } from "../../app/server-keys.ts";
import { systemClock } from "../../drivers/clock.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import { keyList } from "../../keys/key-list.ts";
import type { Command } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { policyOf, ringOf } from "../key-ring.ts";
import { TOKEN_ADVICE } from "../token-advice.ts";
import { tokenArgument } from "../token-argument.ts";

const OPTIONS = section("Options", {
  json: flag({ flag: "json", env: [], toml: null, help: "Print JSON instead." }),
});

export const tokenExplain: Command = {
  name: "token explain",
  summary: "Show each check of a token, and where it fails",
  argument: "[TOKEN|URL]",
  about: [
    "Takes the token itself, the cable URL with the token in it, or the header, as the argument or on standard input; " +
      "what is typed as an argument can be seen by others on this machine.",
    "Checks stand in the order of the server's verifier, which ends at the first that fails; of those behind it only what " +
      "the token says is shown, and what to do about the failure. The exit status is 1 for a token that is refused.",
  ],
  options: OPTIONS,
  readsConfiguration: true,
  async run(call) {
    const config = configurationOf(call);
    const ring = await ringOf(config, call.terminal);
    const given = await tokenArgument(call, config.jwt.param);
    if ("misuse" in given) return given;
    const nowMs = systemClock.nowMs();
    const facts = keyList(ring, config.jwt.secretOption, nodeCrypto, nowMs);
    const explanation = explainToken(given.token, {
      ...{ ring, policy: policyOf(config), crypto: nodeCrypto, nowMs },
      keyText: ({ name }) => keysText(facts.filter((key) => key.name === name)),
    });
    const farewell = (reason: AuthReason) =>
      authFarewell(reason, { retiredAs: config.jwt.retiredAs, forgedMayReturn: false });
    const print = call.option(OPTIONS.options.json) ? asJson : asText;
    const text = print(explanation, farewell);
    call.terminal.out(`${text}\n`);
    return explanation.verdict.accepted ? 0 : 1;
  },
};

const MARKS = { passed: "ok  ", failed: "FAIL", "not reached": "-   " } as const;

function asText({ verdict, checks }: Explanation, farewell: (reason: AuthReason) => Farewell): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const line = ({ name, outcome, text }: Check) =>
    `${MARKS[outcome]}  ${name.padEnd(width)}  ${text === "" ? "?" : text}`;
  const end = verdict.accepted
    ? `accepted, by the key ${verdict.keyName}`
    : `refused: ${verdict.reason}; the client hears ${farewell(verdict.reason).wire}\nto do: ${TOKEN_ADVICE[verdict.reason]}`;
  return [...checks.map(line), "", end].join("\n");
}

function asJson({ verdict, checks }: Explanation, farewell: (reason: AuthReason) => Farewell): string {
  const outcome = verdict.accepted
    ? { accepted: true, key: verdict.keyName }
    : {
        accepted: false,
        reason: verdict.reason,
        client_hears: farewell(verdict.reason).wire,
        key: verdict.keyName,
        advice: TOKEN_ADVICE[verdict.reason],
      };
  return JSON.stringify({ ...outcome, checks }, null, 2);
}
