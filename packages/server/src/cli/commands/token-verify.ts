import { instantText } from "@hawser/core/jwt/explain-facts";
import type { Verdict } from "@hawser/core/jwt/verdict";
import { createVerifier } from "@hawser/core/jwt/verifier";
import { section } from "@hawser/core/options";
import { systemClock } from "../../drivers/clock.ts";
import { nodeCrypto } from "../../drivers/crypto.ts";
import type { Command } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { policyOf, ringOf } from "../key-ring.ts";
import { tokenArgument } from "../token-argument.ts";

export const tokenVerify: Command = {
  name: "token verify",
  summary: "Say in a line whether the server would take a token",
  argument: "[TOKEN|URL]",
  about: [
    "Takes the token itself, the cable URL with the token in it, or the header, as the argument or on standard input. " +
      "The exit status is 1 for a token that is refused.",
  ],
  options: section("Options", {}),
  readsConfiguration: true,
  async run(call) {
    const config = configurationOf(call);
    const ring = await ringOf(config, call.terminal);
    const given = await tokenArgument(call, config.jwt.param);
    if ("misuse" in given) return given;
    const verifier = createVerifier({
      ring: () => ring,
      crypto: nodeCrypto,
      clock: systemClock,
      policy: policyOf(config),
    });
    const verdict = verifier.verify(given.token);
    call.terminal.out(`${verdictText(verdict, systemClock.nowMs())}\n`);
    return verdict.accepted ? 0 : 1;
  },
};

function verdictText(verdict: Verdict, nowMs: number): string {
  if (!verdict.accepted) return `refused: ${verdict.reason}: ${verdict.detail}`;
  const { identity, keyName, expiresAtMs } = verdict;
  const expiry = expiresAtMs === null ? "never expires" : `expires ${instantText(expiresAtMs, nowMs)}`;
  return `accepted: ${identity}, key ${keyName}, ${expiry}`;
}
